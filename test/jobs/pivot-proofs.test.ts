// When a run that has ended is settled: with the block graph's reply, and without it at the first reason not to wait any longer.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SourceTracker } from '../../src/jobs/tracking/source-tracker.js';
import type { Settlement } from '../../src/protocol/index.js';
import type { QmpEvent, QmpSession } from '../../src/qmp/index.js';
import { FakeClock } from '../support/fake-clock.js';
import { GraphWorld } from '../support/graph-world.js';
import { TestJournal } from '../support/journal.js';
import { openTracked, type Tracked } from '../support/tracked.js';

const GRAPH = 'x-debug-query-block-graph';

/** A tracked source whose queries are answered at once, and its block graph when the test says so. */
class Source {
  readonly clock = new FakeClock();
  readonly #journal = new TestJournal();
  readonly drafts = this.#journal.drafts;
  readonly tracker: SourceTracker;
  readonly feed: Tracked['feed'];
  readonly close: () => void;
  readonly world = new GraphWorld();
  readonly #waiting: ((reply: unknown) => void)[] = [];
  asked = 0;
  readonly limits: string[] = [];

  constructor(commands = ['query-jobs', GRAPH]) {
    const session = {
      greeting: { version: { qemu: { major: 9, minor: 0, micro: 0 }, package: '' }, capabilities: [] },
      request: (name: string, _args: unknown, answer: (reply: unknown) => void) => {
        if (name === GRAPH) {
          this.asked += 1;
          this.#waiting.push(answer);
        } else answer({ kind: 'error', class: 'GenericError', desc: '' });
      },
      execute: () => Promise.resolve({ kind: 'return', value: commands.map((each) => ({ name: each })) }),
    } as unknown as QmpSession;
    const tracked = openTracked({
      clock: this.clock,
      journal: this.#journal,
      track: { limited: (limit) => void this.limits.push(limit) },
      source: { socketBirth: () => 'birth', refusedMs: 3_600_000, refusedMaxMs: 3_600_000 },
    });
    this.tracker = tracked.tracker;
    this.feed = tracked.feed;
    this.close = tracked.close;
    this.feed({ kind: 'connecting', attempt: 1 });
    this.feed({ kind: 'up', session });
  }

  get settled(): Settlement[] {
    return this.drafts.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED').map(({ data }) => data as Settlement);
  }

  hear(type: string, data: object): void {
    this.feed({ kind: 'event', event: { type, time: null, data } as QmpEvent });
  }

  status(...statuses: string[]): void {
    for (const status of statuses) this.hear('JOB_STATUS_CHANGE', { id: 'j', status });
  }

  /** Every block-graph query is answered now. */
  reply(): void {
    for (const answer of this.#waiting.splice(0)) answer({ kind: 'return', value: this.world.graph() });
  }

  refuse(name = 'CommandNotFound'): void {
    for (const answer of this.#waiting.splice(0)) answer({ kind: 'error', class: name, desc: '' });
  }

  ready(): void {
    this.world.start('j');
    this.status('created', 'running', 'ready');
    this.hear('BLOCK_JOB_READY', { device: 'j', type: 'mirror', len: 1, offset: 1, speed: 0 });
    this.reply();
    this.reply();
  }

  complete(): void {
    this.world.end(true);
    this.status('waiting', 'pending');
    this.hear('BLOCK_JOB_COMPLETED', { device: 'j', type: 'mirror', len: 1, offset: 1, speed: 0 });
    this.status('concluded', 'null');
  }
}

const UNPROVEN = { outcome: 'completed', pivoted: 'unknown', pivotProof: null };
let source: Source;
beforeEach(() => {
  source = new Source();
});
afterEach(() => {
  source.close();
});

describe('a run that has ended', () => {
  it('is concluded, and settles with the reply', () => {
    source.ready();
    source.complete();
    expect(source.settled).toEqual([]);
    expect(source.tracker.runs.get('j')).toMatchObject({ status: 'concluded', settled: undefined });
    source.reply();
    expect(source.settled).toMatchObject([{ outcome: 'completed', pivoted: true, pivotProof: 'graph' }]);
    expect(source.tracker.runs.size).toBe(0);
  });

  it.each<[string, () => unknown]>([
    ['a second has passed', () => source.clock.advance(1_000)],
    ['the bound of a synchronous caller', () => source.tracker.conclude(source.tracker.runs.get('j')?.run)],
    ['the source is lost', () => source.feed({ kind: 'down', reason: 'closed', detail: '', attempt: 1, retryInMs: 1 })],
    ['QEMU does not know the query', () => source.refuse()],
    ['an export has ended, and its users with it', () => source.hear('BLOCK_EXPORT_DELETED', { id: 'x' })],
    ['the gateway ends', () => source.close()],
    ['the next run of its id begins', () => source.status('created')],
  ])('settles without it when %s', async (_, happens) => {
    source.ready();
    source.complete();
    await happens();
    expect(source.settled).toMatchObject([UNPROVEN]);
    source.reply();
    await source.clock.advance(5_000);
    expect(source.settled).toHaveLength(1);
  });

  it('is proven by the next query where one was refused', () => {
    source.ready();
    source.hear('JOB_STATUS_CHANGE', { id: 'k', status: 'created' });
    source.refuse('GenericError');
    source.complete();
    source.reply();
    expect(source.settled).toMatchObject([{ pivoted: true }]);
  });

  it('is not settled early by the bound of another run', () => {
    source.ready();
    source.complete();
    source.tracker.conclude('e:99');
    expect(source.settled).toEqual([]);
  });

  it('settles without it when another job on its nodes has ended since', () => {
    source.ready();
    source.complete();
    // Back from the copy, faster than the reply.
    for (const status of ['created', 'running', 'ready', 'waiting', 'pending', 'concluded', 'null'])
      source.hear('JOB_STATUS_CHANGE', { id: 'back', status });
    expect(source.settled).toMatchObject([UNPROVEN, { outcome: 'completed' }]);
  });

  it('is settled at once where QEMU has no such query', async () => {
    source.close();
    source = new Source(['query-jobs']);
    await source.clock.turn();
    source.ready();
    source.complete();
    expect(source.settled).toMatchObject([UNPROVEN]);
  });

  it('queries the users of the disk right before a command, whatever query is under way', () => {
    source.ready();
    source.hear('JOB_STATUS_CHANGE', { id: 'k', status: 'created' });
    const before = source.asked;
    const run = source.tracker.runs.get('j');
    if (run) source.tracker.renewBaseline(run);
    expect(source.asked - before).toBe(1);
  });

  it('shares one query with other requests that come meanwhile', () => {
    source.ready();
    const before = source.asked;
    for (let n = 0; n < 50; n++) source.hear('JOB_STATUS_CHANGE', { id: `k${n}`, status: 'created' });
    source.reply();
    source.reply();
    expect(source.asked - before).toBe(2);
  });

  it('is not proven by a graph with too many edges near its nodes, which is counted', async () => {
    source.world.start('j');
    source.status('created', 'running', 'ready');
    const graph = source.world.graph();
    const { child } = graph.edges.find(({ name }) => name === 'source') ?? { child: 0 };
    const many = Array.from({ length: 1_025 }, (_, n) => ({ parent: 1_000_000 + n, child, name: `user${n}` }));
    source.world.graph = () => ({ ...graph, edges: [...graph.edges, ...many] });
    source.reply();
    source.reply();
    source.status('waiting', 'pending');
    source.hear('BLOCK_JOB_COMPLETED', { device: 'j', type: 'mirror', len: 1, offset: 1, speed: 0 });
    source.status('concluded');
    source.reply();
    source.status('null');
    await source.clock.advance(1_000);
    expect(source.settled).toMatchObject([{ outcome: 'completed', pivoted: 'unknown', pivotProof: null }]);
    expect(new Set(source.limits)).toEqual(new Set(['graph_edges']));
  });
});
