// `audit` as a process beside a gateway: what its log retains of commands, and how far back that reaches.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { allUp } from '../support/app.js';
import { run } from '../support/cli.js';
import { startGuarded, temporaryFolder } from '../support/tokens.js';
import { flood, openBench, openSims } from './stream/support.js';

async function audit(url: string, ...args: string[]) {
  const asked = run(['audit', '--url', url, ...args]);
  return { code: await asked.exit, out: asked.out(), err: asked.err() };
}

it('prints who asked for what, the answer and the end; a filter, and JSON', async () => {
  const { app, wire, sim } = await openBench(['vm1', 'vm2']);
  await wire.call('subscribe', {});
  for (const name of ['vm1', 'vm2']) sim(name).jobs.start({ id: 'j', type: 'backup', bytesPerSecond: 1 });
  await wire.until(() => wire.events.filter(({ type }) => type === 'JOB_STATUS_CHANGE').length >= 4);
  await wire.call('job.pause', { source: 'vm2', job: 'j' });
  await wire.call('job.abort', { source: 'vm1', job: 'j', sync: true });
  const all = await audit(app.url, '--since', '1h');
  expect(all.code).toBe(0);
  const rows = all.out.trimEnd().split('\n');
  expect(rows).toHaveLength(3);
  expect(rows[0]).toMatch(/^TIME +WHO +VERB +SOURCE +JOB +ANSWER +OUTCOME/);
  expect(rows[1]).toMatch(/Z +anonymous +pause +vm2 +j +accepted$/);
  expect(rows[2]).toMatch(/Z +anonymous +abort +vm1 +j +accepted +cancelled, requested by anonymous$/);
  // The gateway has run for less than the hour that was asked for.
  expect(all.err).toMatch(/the log reaches back to .*Z \(.*\): where this log begins/);
  expect(all.err).toContain('journalctl -u qmp-gateway');
  const begun = new Date(Date.now()).toISOString();
  const none = await audit(app.url, '--since', begun);
  expect(none).toMatchObject({ code: 0, out: 'no commands\n' });
  expect(none.err).not.toContain('reaches back');
  const json = await audit(app.url, '--json', '--source', 'vm1', '--by', 'anon*', '--job', 'j');
  const types = json.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).type);
  expect(types.sort()).toEqual(['GATEWAY_COMMAND', 'GATEWAY_COMMAND_ANSWERED', 'GATEWAY_JOB_SETTLED']);
  expect((await audit(app.url, '--by', 'nobody')).out).toBe('no commands\n');
});

it('says that older entries are not kept', async () => {
  const { app, wire, sim } = await openBench(['vm1'], { log: { perSource: 50 } });
  await wire.call('subscribe', {});
  flood(sim('vm1'), 200);
  await wire.until(() => wire.events.length >= 200);
  const { code, err } = await audit(app.url, '--since', '3d');
  expect(code).toBe(0);
  expect(err).toContain('older entries are not kept');
});

it('finds a command behind more entries than a subscription may ask for by their number', async () => {
  const { app, wire, sim } = await openBench(['vm1', 'busy'], { log: { perSource: 50_000 } });
  await wire.call('subscribe', {});
  sim('vm1').jobs.start({ id: 'j', type: 'backup', bytesPerSecond: 1 });
  await wire.status('j', 'running');
  await wire.call('job.abort', { source: 'vm1', job: 'j', sync: true });
  flood(sim('busy'), 10_500);
  await wire.until(() => wire.events.length >= 10_500);
  const { out, err } = await audit(app.url);
  expect(out).toMatch(/anonymous +abort +vm1 +j +accepted/);
  expect(err).toContain('where this log begins');
});

it('a principal gets what it may see; a log without an entry is said', async () => {
  const { paths, sims } = await openSims('vm1', 'vm2');
  for (const sim of Object.values(sims)) sim.jobs.start({ id: 'j', type: 'mirror', bytesPerSecond: 1 });
  const { app, tokens } = await startGuarded(paths, { ann: { control: ['*'] }, bob: { read: ['vm2'] } });
  const wire = await app.wire({ authorization: `Bearer ${tokens.ann}` });
  await allUp(wire);
  for (const source of ['vm1', 'vm2']) await wire.call('job.pause', { source, job: 'j' });
  const file = join(await temporaryFolder(), 'bob');
  await writeFile(file, tokens.bob ?? '');
  const { out } = await audit(app.url, '--token-file', file);
  expect(out).toMatch(/ann +pause +vm2/);
  expect(out).not.toContain('vm1');
  const { app: empty } = await openBench([]);
  expect(await audit(empty.url)).toMatchObject({ code: 0, err: expect.stringContaining('has no entry') });
});

it('a time that is none is wrong usage', async () => {
  expect(await audit('http://127.0.0.1:1', '--since', 'soon')).toMatchObject({
    code: 2,
    err: expect.stringContaining('expected 30m'),
  });
});
