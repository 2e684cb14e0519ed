// A history, and runs to put into it.
import { onTestFinished } from 'vitest';
import {
  type EndedRun,
  HISTORY_LIMITS,
  HistoryFolder,
  type HistoryLimits,
  type HistoryReport,
  RunHistory,
  type StoredRun,
} from '../../src/history/index.js';
import { formatMicros } from '../../src/protocol/time.js';
import type { SettledRun, Settlement } from '../../src/protocol/types.js';
import { FakeClock } from './fake-clock.js';
import { settlementOf } from './settlement.js';

export const SECOND = 1_000_000;
/** Microseconds since 1970: a moment of 2026-11-25. */
export const DAY = Date.UTC(2026, 10, 25) * 1_000;

export interface TestHistory {
  history: RunHistory;
  reports: HistoryReport[];
  clock: FakeClock;
}

/** @param path of its folder; without one it is in memory. */
export async function openTestHistory(
  path?: string,
  limits: Partial<HistoryLimits> = {},
  clock = new FakeClock(),
): Promise<TestHistory> {
  const reports: HistoryReport[] = [];
  const history = new RunHistory({
    limits: { ...HISTORY_LIMITS, ...limits },
    clock,
    folder: path === undefined ? undefined : new HistoryFolder(path),
    report: (report) => reports.push(report),
  });
  await history.open();
  onTestFinished(() => history.close());
  return { history, reports, clock };
}

/** @param at seconds after {@link DAY} at which it ended; it began ten seconds before. */
export function endedRun(
  run: string,
  at: number,
  more: Partial<Omit<SettledRun, 'settled'>> & { settled?: Partial<Settlement> } = {},
): EndedRun {
  const { settled, ...rest } = more;
  const settlement = settlementOf({ began: 'e:1', len: 100, offset: 100, ...settled });
  const endedAt = DAY + at * SECOND;
  return {
    settled: { source: 'vm1', job: 'j', run, cursor: 'e:9', time: formatMicros(endedAt), settled: settlement, ...rest },
    startedAt: endedAt - 10 * SECOND,
  };
}

/** Every run that it has, newest first, however many steps that takes. */
export async function readRuns(history: RunHistory): Promise<StoredRun[]> {
  const runs: StoredRun[] = [];
  for (
    let step = await history.older(
      undefined,
      () => true,
      () => false,
    );
    ;
  ) {
    for (const { read } of step.found) runs.push(...[read()].filter((each) => each !== undefined));
    if (!step.next) return runs;
    step = await history.older(
      step.next,
      () => true,
      () => false,
    );
  }
}

export const namesOf = async (history: RunHistory): Promise<string[]> =>
  (await readRuns(history)).map(({ run }) => run);
