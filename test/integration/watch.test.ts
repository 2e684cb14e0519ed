// `watch` in a terminal: the chosen job is always in sight, and nothing is aborted without a yes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { allUp, startApp, type TestApp } from '../support/app.js';
import { startProxy } from '../support/proxy.js';
import { runInTerminal, type TerminalRun } from '../support/terminal.js';
import type { Wire } from '../support/wire.js';

const JOBS = Array.from({ length: 30 }, (_, n) => `d${String(n).padStart(2, '0')}`);
const ROWS = 12;

let simulator: Simulator;
let uri: string;
let app: TestApp;
let wire: Wire;
let watch: TerminalRun;
let restart: () => Promise<void>;
/** The jobs as they are listed. */
let order: string[];

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watch-'));
  const path = join(folder, 'vm.sock');
  uri = `unix:${path}`;
  simulator = await startSimulator({ listen: { path } });
  onTestFinished(async () => {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  });
  for (const id of JOBS) simulator.jobs.start({ id, type: 'backup', len: 2 ** 40, bytesPerSecond: 1 << 20 });
  app = await startApp({ vm1: uri });
  const proxy = await startProxy(() => app.port);
  wire = await app.wire();
  await allUp(wire);
  order = (await wire.call('job.list', {})).jobs.map(({ job }) => job);
  await wire.call('subscribe', { types: ['GATEWAY_COMMAND', 'BLOCK_JOB_CANCELLED'] });
  restart = async () => {
    await app.close();
    app = await startApp({ vm1: uri });
  };
  watch = runInTerminal(['watch', '--url', `http://127.0.0.1:${proxy.port}`], { rows: ROWS });
  await expect.poll(chosen).toMatch(/^d\d\d$/);
});

const chosen = (): string | undefined => /^> vm1\/(\w+) /m.exec(watch.screen().join('\n'))?.[1];
const shown = (): string[] =>
  [
    ...watch
      .screen()
      .join('\n')
      .matchAll(/^[> ] vm1\/(\w+) /gm),
  ].map((match) => match[1] ?? '');
const text = (): string => watch.screen().join('\n');
const commands = (): unknown[] =>
  wire.events.filter(({ type }) => type === 'GATEWAY_COMMAND').map(({ job }) => job?.id);

describe('watch', () => {
  it('scrolls with the choice to the last job and back, and shows its keys', async () => {
    expect(order).toHaveLength(JOBS.length);
    for (let n = 1; n < order.length; n += 1) {
      watch.type(n % 2 ? 'j' : '\u001b[B');
      await expect.poll(chosen).toBe(order[n]);
    }
    await expect.poll(text).toMatch(/^ {2}\d+ more above/m);
    await expect.poll(text).toContain('a abort · f abort by force · q quit');
    // Past the last one nothing moves, and page up reaches the first in a few steps.
    watch.type('j');
    watch.type('\u001b[5~'.repeat(3));
    await expect.poll(chosen).toBe(order[0]);
    await expect.poll(text).toMatch(/^ {2}\d+ more below/m);
    watch.type('q');
    expect(await watch.exit).toBe(0);
  });

  it('asks before it aborts, names the job, and sends nothing if the answer is no', async () => {
    watch.type('jjj');
    await expect.poll(chosen).toBe(order[3]);
    const id = order[3] ?? '';
    watch.type('a');
    await expect.poll(text).toContain(`y/n? abort vm1/${id}: `);
    watch.type('n');
    await expect.poll(text).not.toContain('y/n?');
    watch.type('f');
    await expect.poll(text).toContain(`y/n? abort vm1/${id} BY FORCE: `);
    expect(commands()).toEqual([]);
    watch.type('y');
    await wire.typed('BLOCK_JOB_CANCELLED', id);
    expect(commands()).toEqual([id]);
    await expect.poll(text).toContain(`vm1/${id}: `);
  });

  it('says before it asks that QEMU finishes a READY active commit instead of cancelling it', async () => {
    simulator.jobs.start({ id: 'a0', type: 'commit', active: true });
    for (const id of JOBS) simulator.jobs.cancel(id);
    await expect.poll(chosen).toBe('a0');
    await expect.poll(text).toContain('commit ready');
    watch.type('a');
    await expect.poll(text).toContain('y/n? abort vm1/a0: QEMU finishes the copy instead of cancelling');
    watch.type('f');
    watch.type('f');
    await expect.poll(text).toContain('y/n? abort vm1/a0 BY FORCE: QEMU gives the job up at once');
  });

  it('keeps the neighbour when the chosen job ends, and drops a question about it', async () => {
    watch.type('jjjj');
    await expect.poll(chosen).toBe(order[4]);
    const [before, id, after] = order.slice(3, 6);
    watch.type('a');
    await expect.poll(text).toContain('y/n?');
    simulator.jobs.cancel(id ?? '');
    await expect.poll(text).toContain(`vm1/${id} has ended: nothing was sent`);
    await expect.poll(chosen).toBe(after);
    await expect.poll(shown).toContain(before);
    // An answer that comes too late is no answer to anything.
    watch.type('y');
    watch.type('f');
    await expect.poll(text).toContain(`y/n? abort vm1/${after} BY FORCE`);
    expect(commands()).toEqual([]);
  });

  it('goes on over a restart of the gateway: says the gap, shows no speeds meanwhile, keeps the choice', async () => {
    watch.type('jj');
    await expect.poll(chosen).toBe(order[2]);
    const id = order[2];
    await expect.poll(text, { timeout: 15_000 }).toMatch(/iB\/s/);
    await app.close();
    await expect.poll(text).toContain('offline: the figures may be out of date');
    await expect.poll(text).not.toMatch(/iB\/s|left/);
    await restart();
    await expect.poll(() => watch.raw(), { timeout: 15_000 }).toContain('began a new log');
    await expect.poll(chosen).toBe(id);
    await expect.poll(text).not.toContain('offline');
  });
});
