// A settlement for who keeps a history of runs.
import type { Micros } from '../../protocol/time.js';
import type { SettledRun } from '../../protocol/types.js';
import type { Ended } from './run-store.js';

/** A settlement that the log shows; `startedAt` is the time of the entry that began the run, `null` where it has none. */
export interface SettledJob {
  settled: SettledRun;
  startedAt: Micros | null;
}

export const settledJob = ({ settled, last }: Ended): SettledJob => ({ settled, startedAt: last.began.time ?? null });
