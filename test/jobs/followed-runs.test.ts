// What an edge tells as ended while it reads the log that all share.
import { expect, it } from 'vitest';
import { FollowedRuns } from '../../src/jobs/index.js';
import { recordRun } from '../../src/jobs/model/evidence.js';
import { beginRun } from '../../src/jobs/model/run.js';
import { FakeClock } from '../support/fake-clock.js';
import { settlementOf } from '../support/settlement.js';

const TIME = 1_780_000_000_000_000;

/** A line of a checkpoint with a run that has ended. */
function ended(job: string, source = 's', second = 0): string {
  const run = beginRun(
    { source, id: job, run: `r:${job}`, began: { cursor: 'aabbccdd:1', time: TIME } },
    'running',
    TIME,
    false,
  );
  const last = { ...run, type: 'backup', error: 'none', ioStatus: 'ok', autoDismiss: true, continuity: 'new' } as const;
  const time = new Date(Date.UTC(2026, 10, 24, 12) + second * 1_000).toISOString();
  const settled = { source, job, run: run.run, cursor: 'aabbccdd:2', time, settled: settlementOf() };
  return JSON.stringify({ kind: 'settled', settled, last: recordRun(last) });
}

it('tells each end once, however often the log is read: also one that only a checkpoint has', () => {
  const runs = new FollowedRuns(new FakeClock());
  const told: string[] = [];
  runs.ended$.subscribe(({ settled }) => told.push(settled.job));
  runs.clear('aabbccdd');
  runs.restore('s', [ended('a')], 'o1');
  // What was there before the edge is read from its list, not told.
  expect([told, runs.all().length]).toEqual([[], 1]);
  runs.clear('aabbccdd');
  runs.restore('s', [ended('a'), ended('b')], 'o1');
  expect(told).toEqual(['b']);
  runs.clear('11223344');
  runs.restore('s', [ended('a'), ended('b')], 'o1');
  expect([told, runs.all().length]).toEqual([['b'], 2]);
});

it('keeps the newest ends of all sources, whichever source is read first', () => {
  const runs = new FollowedRuns(new FakeClock(), { count: 3 });
  const jobs = (): string[] => runs.settled().map(({ job }) => job);
  runs.restore('a', [ended('new1', 'a', 100), ended('new2', 'a', 101)], 'o1');
  runs.restore('b', [ended('old1', 'b', 1), ended('old2', 'b', 2), ended('old3', 'b', 3)], 'o1');
  expect(jobs()).toEqual(['old3', 'new1', 'new2']);
  runs.restore('c', [ended('mid', 'c', 50)], 'o1');
  expect(jobs()).toEqual(['mid', 'new1', 'new2']);
});
