// From what the client is told to the frames that are drawn, with a client that only notes its subscriptions.
import { beforeEach, expect, it, vi } from 'vitest';
import { openGateway } from '../../demo-client/src/gateway/gateway.js';
import { watchNews } from '../../demo-client/src/gateway/news.js';
import type { Bulletin } from '../../demo-client/src/model/events/news.js';
import type { Client, Observer, Snapshot } from '../../src/client/index.js';
import { cutOf, type JobTable } from '../../src/protocol/job-table.js';
import { cursor, entry, SETTLEMENT, status } from '../client/support/fixtures.js';
import { jobOf, tableOf } from './fixtures.js';

const FRAME_MS = 100;
const run = (n: number): string => `e:d${n}`;

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

function opened(jobs: readonly number[]) {
  const observers: Observer[] = [];
  const client = {
    state: { phase: 'open', since: 0 },
    info: async () => ({ features: [] }),
    onState: () => () => undefined,
    subscribe(_filter: unknown, observer: Observer) {
      observers.push(observer);
      return { cursor: undefined, unsubscribe: () => undefined };
    },
    close: () => undefined,
  };
  const gateway = openGateway(client as unknown as Client);
  const snapshot = (table: JobTable, reason: Snapshot['reason']): void =>
    observers[0]?.snapshot?.({ ...cutOf(table), reason } as Snapshot);
  snapshot(
    { ...tableOf(jobs.map((n) => jobOf({ job: `d${n}`, began: `k3f9:${n + 2}` }))), cursor: cursor(1) },
    'initial',
  );
  vi.advanceTimersByTime(FRAME_MS);
  return { gateway, observers, snapshot, draw: () => void vi.advanceTimersByTime(1_000) };
}

it('draws what has arrived since the last frame as one, which names the runs that have changed', () => {
  const { gateway, observers, draw } = opened([0, 1, 2]);
  const seen: unknown[] = [];
  const stop = gateway.table.subscribe((table) => seen.push(table?.seq));
  observers[0]?.events?.([status(2, 'paused', 'd1', run(1))], cursor(2));
  observers[0]?.progress?.([{ ...jobOf({ job: 'd2' }), offset: 9 }]);
  draw();
  expect(seen).toEqual([1, 2]);
  expect([...(gateway.table.value?.changed.keys() ?? [])]).toEqual([run(1), run(2)]);
  expect(gateway.cut()?.cursor).toBe(cursor(2));
  stop();
  gateway.close();
});

it('draws a run again when it becomes known when it began', () => {
  const { gateway, observers, draw } = opened([0, 1]);
  gateway.starts.want([jobOf({ job: 'd1', began: 'k3f9:3' })]);
  observers.at(-1)?.events?.([status(3, 'created', 'd1', run(1))], cursor(3));
  draw();
  expect([...(gateway.table.value?.changed.keys() ?? [])]).toEqual([run(1)]);
  expect(gateway.starts.starts.has(run(1))).toBe(true);
  gateway.close();
});

it('has the runs that a reset leaves without a settlement, and says so, once', () => {
  const { gateway, observers, snapshot, draw } = opened([0, 1]);
  const bulletins: Bulletin[] = [];
  const stop = watchNews(gateway, { isThere: () => true, publish: (bulletin) => bulletins.push(bulletin) });
  observers[0]?.events?.([entry(5, 'GATEWAY_JOB_SETTLED', SETTLEMENT, 'd0', run(0))], cursor(5));
  snapshot({ ...tableOf([jobOf({ job: 'other', run: 'f:1' })]), cursor: 'f:1' }, 'epoch');
  draw();
  expect([...gateway.unseen.value.keys()]).toEqual([run(1)]);
  draw();
  vi.advanceTimersByTime(60_000);
  expect(bulletins.map(({ title }) => title)).toEqual(['vm1 / d1 was lost']);
  stop();
  gateway.close();
});
