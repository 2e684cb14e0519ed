// npm ci --prefix mcp --ignore-scripts && node mcp/test.mjs      (after `npm run build`)
// The server as a process, asked by the SDK's own client, beside a real gateway with a simulated QEMU.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { startSimulator } from './lib/simulator/index.js';

let passed = 0;
const check = async (name, body) => {
  await body();
  passed += 1;
  console.log(`ok ${name}`);
};

const simulator = await startSimulator({ listen: { host: '127.0.0.1', port: 0 } });
for (const id of ['system', 'data', 'held'])
  simulator.jobs.start({ id, type: 'mirror', len: 2 ** 30, bytesPerSecond: 2 ** 20 });
const gateway = spawn(
  process.execPath,
  [
    new URL('lib/cli/main.js', import.meta.url).pathname,
    ...['serve', '--listen', '127.0.0.1:0', '--source', `vm1=tcp:127.0.0.1:${simulator.address.port}`],
  ],
  { stdio: ['ignore', 'pipe', 'ignore'] },
);
let url = '';
for await (const line of createInterface({ input: gateway.stdout })) {
  url = /listens at (\S+)/.exec(line)?.[1]?.replace('http', 'ws') ?? '';
  if (url !== '') break;
}

const open = async (...args) => {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [new URL('server.js', import.meta.url).pathname, ...args],
      env: { QMP_GATEWAY_WS_URL: `${url}v1` },
    }),
  );
  const call = async (name, params = {}) => {
    const { content, isError } = await client.callTool({ name, arguments: params });
    return { text: content.map(({ text }) => text).join('\n'), isError: isError === true };
  };
  return { client, call };
};

const reader = await open();
const jobs = async () => {
  for (;;) {
    const { text } = await reader.call('list_jobs');
    if (/system.*running/.test(text) && /data.*running/.test(text)) return text;
  }
};

await check('lists the jobs, with their runs', async () =>
  assert.match(await jobs(), /^vm1 system \(run \S+\): mirror, running, /m),
);
await check('says whether a job advances, and what would have an effect', async () => {
  const { text } = await reader.call('explain_job', { source: 'vm1', job: 'system' });
  assert.match(text, /It advances: 1\.\d+ MiB\/s/);
  assert.match(text, /Verbs that would have an effect: .*abort/);
});
await check('says what holds a paused one', async () => {
  simulator.jobs.pause('held');
  for (;;) {
    const { text } = await reader.call('explain_job', { source: 'vm1', job: 'held' });
    if (text.includes('It is paused')) break;
  }
});
await check('answers a refusal by its name', async () => {
  const { text, isError } = await reader.call('explain_job', { source: 'vm1', job: 'none' });
  assert.ok(isError);
  assert.match(text, /^JOB_NOT_FOUND: /);
});
await check('has no tool that changes anything by default', async () => {
  const { tools } = await reader.client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), ['explain_job', 'job_story', 'list_jobs', 'recent_ends']);
  assert.ok(tools.every(({ annotations }) => annotations.readOnlyHint));
});
await check('aborts one run where that is allowed, and no other', async () => {
  const writer = await open('--allow-abort');
  const [, run] = /vm1 system \(run (\S+)\)/.exec(await jobs()) ?? [];
  const stale = await writer.call('abort_job', { source: 'vm1', job: 'system', run: 'another' });
  assert.match(stale.text, /^STALE_RUN: /);
  const { text, isError } = await writer.call('abort_job', { source: 'vm1', job: 'system', run });
  assert.equal(isError, false);
  assert.match(text, /^cancelled \(observed\), pivoted: false/);
  await writer.client.close();
});
await check('tells the story of a run that has ended, and lists it', async () => {
  const { text } = await reader.call('job_story', { source: 'vm1', job: 'system' });
  assert.match(text, /asked for by anonymous/);
  assert.match(text, /GATEWAY_COMMAND .*"verb":"abort"/);
  assert.match(
    (await reader.call('recent_ends', { outcomes: ['cancelled'] })).text,
    /vm1 system .* cancelled \(observed\)/,
  );
});

await reader.client.close();
gateway.kill('SIGTERM');
await simulator.close();
console.log(`${passed} passed, 0 failed`);
