// The clients in other languages among the examples, run as they are: each outcome once, across cut lines and restarts of the client.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { allUp, startApp, type TestApp } from '../support/app.js';
import { startProxy } from '../support/proxy.js';
import { have } from '../support/required.js';
import { offsetOf } from './stream/support.js';

interface Bench {
  folder: string;
  simulator: Simulator;
  app: TestApp;
  proxy: Awaited<ReturnType<typeof startProxy>>;
  /** Starts a job and ends it. */
  finish(job: string): void;
  subscribed(count: number): Promise<unknown>;
}

async function openBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  const path = join(folder, 'vm.sock');
  const simulator = await startSimulator({ listen: { path } });
  onTestFinished(async () => {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  });
  const app = await startApp({ vm1: `unix:${path}` });
  await allUp(await app.wire());
  const bench: Bench = {
    ...{ folder, simulator, app },
    proxy: await startProxy(() => bench.app.port),
    finish: (job) => {
      simulator.jobs.start({ id: job, type: 'mirror', len: 1 << 20, bytesPerSecond: 1 });
      simulator.jobs.cancel(job);
    },
    subscribed: (count) =>
      expect
        .poll(async () => /live_subscriptions (\d+)/.exec(await (await fetch(`${app.url}metrics`)).text())?.[1])
        .toBe(String(count)),
  };
  return bench;
}

function run(program: string, args: string[], lines: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  let rest = '';
  child.stdout?.on('data', (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const kill = (): void => {
    // The group: a shell's curl is a process of its own.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  };
  onTestFinished(kill);
  child.kill = () => {
    kill();
    return true;
  };
  return child;
}

const PYTHON = '/usr/bin/python3';

describe.each([
  {
    name: 'Python',
    isHere: have(`${PYTHON} && ${PYTHON} -c 'import websockets'`, 'REQUIRE_PYTHON'),
    program: PYTHON,
    args: ({ proxy }: Bench, cursor: string) => [
      ...['examples/qmp_gateway.py', '--url', `ws://127.0.0.1:${proxy.port}/v1`],
      ...['outcomes', '--cursor', cursor],
    ],
    ended: (job: string) => `settled vm1 ${job} cancelled`,
  },
  {
    name: 'shell',
    isHere: have('curl && command -v jq', 'REQUIRE_JQ'),
    program: 'examples/outcomes.sh',
    args: ({ proxy }: Bench, cursor: string) => [`http://127.0.0.1:${proxy.port}`, cursor],
    ended: (job: string) => `vm1 ${job} cancelled`,
  },
])('the example in $name', ({ isHere, program, args, ended }) => {
  it.skipIf(!isHere)(
    'prints each outcome once, across cut lines and its own restart, and says where some may be missing',
    async () => {
      const bench = await openBench();
      const cursor = join(bench.folder, 'cursor');
      const lines: string[] = [];
      const count = (job: string): number => lines.filter((line) => line === ended(job)).length;
      const once = (job: string): Promise<unknown> => expect.poll(() => count(job), { message: job }).toBe(1);
      let client = run(program, args(bench, cursor), lines);
      await bench.subscribed(1);
      bench.finish('first');
      await once('first');
      for (const round of [1, 2]) {
        bench.proxy.cut();
        bench.finish(`cut${round}`);
        await once(`cut${round}`);
      }
      // Printed first, kept then: who is killed in between prints once more.
      const wire = await bench.app.wire();
      await wire.call('subscribe', { types: ['GATEWAY_JOB_SETTLED'], last: 1 });
      const { offset } = await wire.typed('GATEWAY_JOB_SETTLED');
      wire.close();
      const kept = async (): Promise<number> => offsetOf(await readFile(cursor, 'utf8'));
      await expect.poll(kept).toBeGreaterThanOrEqual(offset);
      client.kill();
      await bench.subscribed(0);
      for (const n of [1, 2, 3]) bench.finish(`away${n}`);
      client = run(program, args(bench, cursor), lines);
      for (const n of [1, 2, 3]) await once(`away${n}`);
      bench.finish('last');
      await once('last');
      for (const job of ['first', 'cut1', 'cut2', 'away1', 'away2', 'away3', 'last']) expect(count(job), job).toBe(1);
      expect(lines.filter((line) => /gap|reset/.test(line))).toEqual([]);

      // Another log: the cursor that it kept says nothing there.
      await bench.app.close();
      bench.app = await startApp({ vm1: `unix:${join(bench.folder, 'vm.sock')}` });
      await allUp(await bench.app.wire());
      await expect.poll(() => lines.filter((line) => /^(gap|reset): epoch$/.test(line))).toHaveLength(1);
      bench.finish('other');
      await once('other');
    },
    90_000,
  );
});

describe.skipIf(!have(`${PYTHON} && ${PYTHON} -c 'import websockets'`, 'REQUIRE_PYTHON'))(
  'the example in Python',
  () => {
    const abort = async (url: string, ...args: string[]): Promise<[number | null, string[]]> => {
      const lines: string[] = [];
      const client = run(PYTHON, ['examples/qmp_gateway.py', '--url', url, 'abort', ...args], lines);
      const code = await new Promise<number | null>((resolve) => client.once('close', resolve));
      return [code, lines];
    };

    it('stops a job, and says how it ended, why it can not, and that there is no gateway', async () => {
      const { app, simulator } = await openBench();
      simulator.jobs.start({ id: 'j', type: 'mirror', len: 1 << 20, bytesPerSecond: 1 });
      const url = `ws://127.0.0.1:${app.port}/v1`;
      expect(await abort(url, 'vm1', 'j')).toEqual([0, ['cancelled (observed), pivoted: False']]);
      expect(await abort(url, 'vm1', 'none')).toEqual([1, []]);
      expect(await abort('ws://127.0.0.1:1/v1', 'vm1', 'j')).toEqual([4, []]);
    });
  },
);
