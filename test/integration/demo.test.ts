// The demo's jobs on a real QEMU, faster than people would watch them: what goes on for ten rounds without a refusal goes on for days.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Pace } from '../../src/demo/disk.js';
import { openDemoQemu } from '../../src/demo/qemu.js';
import type { Settlement } from '../../src/protocol/index.js';
import { dice } from '../chaos/dice.js';
import { startApp } from '../support/app.js';
import { haveQemu } from '../support/qemu.js';
import { connectRaw, type RawClient } from '../support/qmp-raw.js';

const FAST = { restMs: [0, 2], readyMs: [0, 20], stoppedMs: [0, 20], speed: [0, 0] } as const;
const DISKS = ['system', 'data', 'logs', 'home'];
const ROUNDS = 10;

async function openQemu(seed: number, pace: Pace = FAST): Promise<{ gatewayPath: string; problems: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'demo-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const problems: string[] = [];
  const gatewayPath = join(folder, 'gw.sock');
  const { roll: random } = dice(seed, 'demo');
  const report = (problem: string): void => void problems.push(problem);
  const demo = await openDemoQemu({ folder, gatewayPath, report, pace, random, bytes: 4 << 20 });
  if (!demo) throw new Error('no demo');
  onTestFinished(() => demo.close());
  return { gatewayPath, problems };
}

async function openDemo(seed: number): Promise<{ raw: RawClient; problems: string[] }> {
  const { gatewayPath, problems } = await openQemu(seed);
  const raw = await connectRaw({ path: gatewayPath });
  await raw.negotiate();
  return { raw, problems };
}

const count = (raw: RawClient, event: string, wanted: (data: Record<string, unknown>) => boolean): number =>
  raw.received.filter(({ message }) => message.event === event && wanted(message.data as Record<string, unknown>))
    .length;

describe.skipIf(!haveQemu)('the demo', () => {
  it.each([1, 2])('goes on round after round on every disk, and QEMU refuses nothing: seed %d', async (seed) => {
    const { raw, problems } = await openDemo(seed);
    const rounds = (disk: string): number =>
      count(raw, 'JOB_STATUS_CHANGE', ({ id, status }) => id === disk && status === 'null');
    for (const disk of DISKS) await expect.poll(() => rounds(disk), { timeout: 15_000 }).toBeGreaterThanOrEqual(ROUNDS);
    expect(problems).toEqual([]);
    const completed = ({ type, error }: Record<string, unknown>): boolean => type === 'mirror' && error === undefined;
    expect(count(raw, 'BLOCK_JOB_COMPLETED', completed)).toBeGreaterThan(DISKS.length);
    expect(count(raw, 'BLOCK_JOB_ERROR', ({ action }) => action === 'stop')).toBeGreaterThan(0);
  });

  it('shows where the disk of a mirror is, which the block graph proves', async () => {
    const { gatewayPath } = await openQemu(1, { ...FAST, restMs: [500, 500] });
    const app = await startApp({ demo: `unix:${gatewayPath}` });
    const wire = await app.wire();
    await wire.call('subscribe', { types: ['GATEWAY_JOB_SETTLED'] });
    const settled = (): Settlement[] => wire.events.map(({ data }) => data as unknown as Settlement);
    const isMirror = ({ type, outcome }: Settlement): boolean => type === 'mirror' && outcome === 'completed';
    await expect.poll(() => settled().find(isMirror)).toMatchObject({ pivoted: true, pivotProof: 'graph' });
  });

  it('says that its QEMU is gone, once, and nothing waits for it any more', async () => {
    const { raw, problems } = await openDemo(4);
    await raw.execute('quit');
    await raw.closed;
    await expect.poll(() => problems).toEqual([expect.stringMatching(/^the demo's QEMU is gone: /)]);
  });

  it('says what QEMU refused, and goes on', async () => {
    const { raw, problems } = await openDemo(3);
    // Another client takes the id of the demo's next job, and keeps it for some rounds.
    for (const node of ['src', 'dst'])
      await raw.execute('blockdev-add', { driver: 'null-co', 'node-name': node, size: 1 << 20, 'read-zeroes': true });
    const mirror = { 'job-id': 'data', device: 'src', target: 'dst', sync: 'full' };
    await expect.poll(async () => 'return' in (await raw.execute('blockdev-mirror', mirror))).toBe(true);
    await expect.poll(() => problems.join()).toMatch(/^data: QEMU refused blockdev-\w+: Job ID 'data' already in use/);
    await raw.execute('block-job-cancel', { device: 'data', force: true });
    const from = raw.received.length;
    const isDone = ({ event, data }: Record<string, unknown>): boolean => {
      const { id, status } = (data ?? {}) as { id?: string; status?: string };
      return event === 'JOB_STATUS_CHANGE' && id === 'data' && status === 'null';
    };
    const first = await raw.waitFor(isDone, { from });
    const second = await raw.waitFor((message, index) => index > first.index && isDone(message), { from });
    await raw.waitFor((message, index) => index > second.index && isDone(message), { from });
    expect(problems.filter((problem) => !/already in use/.test(problem))).toEqual([]);
  });
});
