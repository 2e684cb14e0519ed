// `qmp-gateway-conformance` as a process: what it prints, and its exit codes.
import { expect, it } from 'vitest';
import { CLAUSES } from '../../../src/conformance/clauses/index.js';
import { run as runProgram } from '../../support/cli.js';
import { startFaultProxy } from '../../support/fault-proxy.js';
import { freePort } from '../../support/free-port.js';
import { openBench } from '../stream/support.js';

const run = (...args: string[]) => runProgram(args, [process.execPath, 'dist/conformance/main.js'], { COLUMNS: '80' });

async function open(): Promise<{ port: number; url: string }> {
  const { app } = await openBench(['vm1']);
  return { port: app.port, url: `ws://127.0.0.1:${app.port}` };
}

it('prints each clause and the counts within 80 columns and without colours in a pipe, and ends with 0', async () => {
  const { url } = await open();
  const kit = run(url, '--clause', 'batch', '--clause', 'abort.async');
  expect(await kit.exit).toBe(0);
  expect(kit.err()).toBe('');
  expect(kit.out().split('\n')).toEqual([
    `${url}/v1, version 0.1.0`,
    '',
    '✓ Transport        or a batch: -32600, and nothing is executed',
    '- job.abort        once QEMU has accepted. Every consequence lies after cursor.',
    '  not tried: needs --abort SOURCE/JOB',
    '',
    '1 passed, 0 failed, 1 not tried',
    '',
  ]);
});

it('ends with 1 where a clause failed, and says so in JSON', async () => {
  const { url } = await startFaultProxy(await open(), () => ({ takesBinary: true }));
  const kit = run(url, '--json', '--timeout', '500ms', '--clause', 'close.binary', '--clause', 'json');
  expect(await kit.exit).toBe(1);
  const verdicts = kit
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(verdicts).toMatchObject([
    { id: 'close.binary', status: 'failed', why: expect.stringContaining('no close'), transcript: expect.any(Array) },
    { id: 'json', status: 'passed' },
  ]);
});

it('ends with 2 at wrong usage, with 4 where no server answers, and lists its clauses without one', async () => {
  const wrong = run('--abort', 'vm1');
  expect([await wrong.exit, wrong.err()]).toEqual([2, expect.stringMatching(/expected (one URL|SOURCE\/JOB)/)]);
  const nobody = run(`ws://127.0.0.1:${await freePort()}`);
  expect([await nobody.exit, nobody.err()]).toEqual([4, expect.stringMatching(/ECONNREFUSED/)]);
  const list = run('--list', '--json');
  expect(await list.exit).toBe(0);
  expect(
    list
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id),
  ).toEqual(CLAUSES.map(({ id }) => id));
});
