// docs/CLIENT.md: all its examples, in their order, as one program beside a gateway.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { allUp, startApp } from '../support/app.js';

const MIB = 2 ** 20;

it('has an example for each method of the client, and each runs', async () => {
  const page = await readFile('docs/CLIENT.md', 'utf8');
  const examples = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const client = await readFile('src/client/job-calls.ts', 'utf8');
  const verbs = [...client.matchAll(/^ {2}(\w+)\(.*\): Promise</gm)].map(([, name = '']) => name);
  const methods = new Set([...verbs, 'onState', 'subscribe', 'info', 'sources', 'close']);
  expect(methods.size).toBeGreaterThan(12);
  expect([...methods].filter((name) => !examples.some((code) => code.includes(`client.${name}(`)))).toEqual([]);

  const folder = await mkdtemp(join(tmpdir(), 'client-page-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'vm.sock');
  const simulator = await startSimulator({ listen: { path } });
  onTestFinished(() => simulator.close());
  const app = await startApp({ vm1: `unix:${path}` });
  const wire = await app.wire();
  await allUp(wire);
  await wire.call('subscribe', {});
  const { jobs } = simulator;
  for (const id of ['drive0', 'drive1', 'drive4'])
    jobs.start({ id, type: 'mirror', len: 64 * MIB, bytesPerSecond: MIB });
  // Its end may come before somebody waits for it.
  jobs.start({ id: 'drive2', type: 'backup', len: MIB, bytesPerSecond: MIB, autoDismiss: false });
  jobs.start({ id: 'drive3', type: 'mirror', len: MIB, bytesPerSecond: 100 * MIB });
  jobs.start({ id: 'drive5', type: 'backup', len: MIB, bytesPerSecond: 100 * MIB, autoFinalize: false });
  jobs.start({ id: 'drive6', type: 'backup', len: MIB, bytesPerSecond: 100 * MIB, autoDismiss: false });
  for (const [job, status] of [
    ['drive3', 'ready'],
    ['drive5', 'pending'],
    ['drive6', 'concluded'],
  ] as const)
    await wire.status(job, status);

  const program = join(folder, 'page.mjs');
  const at = new URL('../../dist/', import.meta.url).href;
  const source = examples
    .join('\n')
    .replaceAll('ws://127.0.0.1:7070/v1', `ws://127.0.0.1:${app.port}/v1`)
    .replaceAll("'outcomes.cursor'", JSON.stringify(join(folder, 'cursor')))
    .replaceAll("'qmp-gateway/client'", `'${at}client/node.js'`)
    .replaceAll(/'qmp-gateway\/client\/([\w-]+)'/g, `'${at}client/$1.js'`)
    .replaceAll("'rxjs'", `'${import.meta.resolve('rxjs')}'`);
  await writeFile(program, source);
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 60_000 });
  for (const said of ['cancelled observed false', 'completed true', 'vm1 up', 'drive0 cancelled'])
    expect(stdout).toContain(said);
  expect((await readFile(join(folder, 'cursor'), 'utf8')).trim()).toMatch(/^\w+:\d+$/);
});
