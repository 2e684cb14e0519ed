// What one monitor may cost: runs without end, and floods of what concerns many runs at once.
import { describe, expect, it, type MockInstance, onTestFinished, vi } from 'vitest';
import type { TrackOptions } from '../../src/jobs/index.js';
import { RunStore } from '../../src/jobs/tracking/run-store.js';
import type { BlockGraph, QmpSession } from '../../src/qmp/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { openTracked } from '../support/tracked.js';

const GRAPH = 'x-debug-query-block-graph';
const measures = { type: 'mirror', len: 1, offset: 1, speed: 0 };

/** A source whose block graph shows mirrors `j0`, `j1`, … each of a disk of its own. Other queries are refused. */
async function openSource(mirrors: number, options: Partial<TrackOptions> = {}) {
  const graph: BlockGraph = { nodes: [], edges: [] };
  const nodes = graph.nodes as BlockGraph['nodes'][number][];
  const edges = graph.edges as BlockGraph['edges'][number][];
  for (let n = 0; n < mirrors; n += 1) {
    const [job = 0, filter = 0, from = 0, to = 0, disk = 0] = [0, 1, 2, 3, 4].map((each) => 5 * n + each);
    nodes.push({ id: job, type: 'block-job', name: `j${n}` }, { id: disk, type: 'block-backend', name: `d${n}` });
    for (const [id, name] of [
      [filter, 'f'],
      [from, 's'],
      [to, 't'],
    ] as const)
      nodes.push({ id, type: 'block-driver', name: `${name}${n}` });
    edges.push({ parent: job, child: filter, name: 'main node' }, { parent: job, child: from, name: 'source' });
    edges.push({ parent: job, child: to, name: 'target' }, { parent: filter, child: from, name: 'backing' });
    edges.push({ parent: disk, child: filter, name: 'root' });
  }
  let answers = Number.POSITIVE_INFINITY;
  const session = {
    greeting: { version: { qemu: { major: 9, minor: 0, micro: 0 }, package: '' }, capabilities: [] },
    request: (name: string, _args: unknown, answer: (reply: unknown) => void) => {
      if (name !== GRAPH) answer({ kind: 'error', class: 'GenericError', desc: '' });
      else if (answers-- > 0) setImmediate(answer, { kind: 'return', value: graph });
    },
    execute: () => Promise.resolve({ kind: 'return', value: [{ name: 'query-jobs' }, { name: GRAPH }] }),
  } as unknown as QmpSession;
  const { tracker, journal, feed, close } = openTracked({
    source: { socketBirth: () => 'birth', refusedMs: 3_600_000 },
    track: options,
  });
  const { drafts } = journal;
  onTestFinished(close);
  feed({ kind: 'connecting', attempt: 1 });
  feed({ kind: 'up', session });
  const hear = (type: string, data: object): void => feed({ kind: 'event', event: { type, time: null, data } });
  const status = (id: string, ...statuses: string[]): void => {
    for (const each of statuses) hear('JOB_STATUS_CHANGE', { id, status: each });
  };
  for (let n = 0; n < mirrors; n += 1) status(`j${n}`, 'created', 'running');
  const proven = (): number => [...tracker.runs.values()].filter(({ baseline }) => baseline !== undefined).length;
  await expect.poll(proven).toBe(mirrors);
  const mute = (): void => {
    answers = 0;
  };
  return { tracker, drafts, hear, status, mute };
}

/** Calls of a spied method while something happens. */
function callsOf(spy: MockInstance, what: () => void): number {
  what();
  const { length } = spy.mock.calls;
  spy.mockRestore();
  return length;
}

describe('runs of one source', () => {
  it('are bounded: a job beyond them has none, and its events are published without one', async () => {
    const { tracker, drafts, status } = await openSource(0, { maxRuns: 2 });
    for (const id of ['a', 'b', 'c']) status(id, 'created');
    expect([...tracker.runs.keys()]).toEqual(['a', 'b']);
    expect(drafts.at(-1)).toMatchObject({ type: 'JOB_STATUS_CHANGE', data: { id: 'c' } });
    expect(drafts.at(-1)?.job).toBeUndefined();
    status('a', 'null');
    status('d', 'created');
    expect([...tracker.runs.keys()]).toEqual(['b', 'd']);
  });

  it('are bounded by the length of their ids', async () => {
    const { tracker, status } = await openSource(0, { maxIds: 1_000 });
    for (let n = 0; n < 10; n += 1) status(`${n}${'x'.repeat(299)}`, 'created');
    expect(tracker.runs.size).toBe(3);
    for (const id of [...tracker.runs.keys()]) status(id, 'null');
    for (let n = 0; n < 10; n += 1) status(`${n}${'x'.repeat(299)}`, 'created');
    expect(tracker.runs.size).toBe(3);
  });
});

describe('a flood', () => {
  it('of devices that are unplugged costs one step of each run, not one for each device', async () => {
    const { hear } = await openSource(500);
    const unplug = (): void => {
      for (let n = 0; n < 100; n += 1) hear('DEVICE_DELETED', {});
    };
    expect(callsOf(vi.spyOn(RunStore.prototype, 'apply'), unplug)).toBe(500);
  });

  it('of errors of ever new kinds costs a bounded number of windows and entries', async () => {
    const clock = new FakeClock();
    const { drafts, hear, status } = await openSource(0, { clock });
    status('a', 'created', 'running');
    status('b', 'created', 'running');
    const { pending } = clock;
    for (let n = 0; n < 10_000; n += 1) hear('BLOCK_JOB_ERROR', { device: 'a', operation: `o${n}`, action: 'report' });
    const errors = () => drafts.filter(({ type }) => type === 'BLOCK_JOB_ERROR');
    // 16 kinds by themselves, once each, and ten of the rest.
    expect([errors().length, clock.pending - pending]).toEqual([26, 17]);
    for (let n = 0; n < 100; n += 1) status('b', n % 2 ? 'paused' : 'running');
    expect([errors().length, clock.pending - pending]).toEqual([26, 17]);
    await clock.advance(1_000);
    expect(errors().slice(26)).toMatchObject([{ repeated: 10_000 - 26 }]);
    expect(clock.pending).toBe(pending);
  });

  it('of ends that await their proofs is settled without one each looking at all others', async () => {
    const { tracker, status, hear, mute } = await openSource(1_000);
    mute();
    const looks = callsOf(vi.spyOn(tracker.runs as Map<string, unknown>, 'get'), () => {
      for (let n = 0; n < 1_000; n += 1) {
        hear('BLOCK_JOB_COMPLETED', { device: `j${n}`, ...measures });
        status(`j${n}`, 'concluded', 'null');
      }
    });
    expect([...tracker.runs.values()].filter(({ end }) => end)).toHaveLength(1_000);
    // Three events each, with a few looks at their own run.
    expect(looks).toBeLessThan(30 * 1_000);
  });
});
