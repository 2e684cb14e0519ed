// What an edge tells as ended while it reads the log that all share.
import { expect, it } from 'vitest';
import { FollowedRuns } from '../../src/jobs/index.js';
import { recordRun } from '../../src/jobs/model/evidence.js';
import { beginRun } from '../../src/jobs/model/run.js';
import { FakeClock } from '../support/fake-clock.js';
import { settlementOf } from '../support/settlement.js';

const TIME = 1_780_000_000_000_000;

/** A line of a checkpoint with a run that has ended. */
function ended(job: string): string {
  const run = beginRun(
    { source: 's', id: job, run: `r:${job}`, began: { cursor: 'aabbccdd:1', time: TIME } },
    'running',
    TIME,
    false,
  );
  const last = { ...run, type: 'backup', error: 'none', ioStatus: 'ok', autoDismiss: true, continuity: 'new' } as const;
  const time = '2026-11-29T08:00:00Z';
  const settled = { source: 's', job, run: run.run, cursor: 'aabbccdd:2', time, settled: settlementOf() };
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
