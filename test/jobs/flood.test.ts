// What one monitor may cost: runs without end, and floods of what concerns many runs at once.
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TrackOptions } from '../../src/jobs/index.js';
import type { BlockGraph, QmpSession } from '../../src/qmp/index.js';
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

function timed(what: () => void): number {
  const began = performance.now();
  what();
  return performance.now() - began;
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
  it('of devices that are unplugged costs no step of every run each', async () => {
    const { hear } = await openSource(5_000);
    expect(timed(() => Array.from({ length: 20_000 }, () => hear('DEVICE_DELETED', {})))).toBeLessThan(1_500);
  });

  it('of errors of ever new kinds does not slow down what comes after it', async () => {
    const { hear, status } = await openSource(0);
    status('a', 'created', 'running');
    status('b', 'created', 'running');
    const took = timed(() => {
      for (let n = 0; n < 10_000; n += 1)
        hear('BLOCK_JOB_ERROR', { device: 'a', operation: `o${n}`, action: 'report' });
      for (let n = 0; n < 10_000; n += 1) status('b', n % 2 ? 'paused' : 'running');
    });
    expect(took).toBeLessThan(1_000);
  });

  it('of ends that await their proofs is settled without one each looking at all others', async () => {
    const { tracker, status, hear, mute } = await openSource(8_000);
    mute();
    const took = timed(() => {
      for (let n = 0; n < 8_000; n += 1) {
        hear('BLOCK_JOB_COMPLETED', { device: `j${n}`, ...measures });
        status(`j${n}`, 'concluded', 'null');
      }
    });
    expect([...tracker.runs.values()].every(({ end }) => end)).toBe(true);
    expect(took).toBeLessThan(1_000);
  });
});
