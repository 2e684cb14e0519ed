// What a tracked source may wait for and keep, each with its reason. Tests shorten the intervals.
import { CLOCK, type Clock } from '../../clock.js';
import { THROTTLE_DEFAULTS, type ThrottleOptions } from './error-throttle.js';
import { SETTLEMENT_LIMITS, type SettlementLimits } from './settlement-history.js';

/**
 * `source_jobs`: an event or a query of a job that gets no run. `graph_edges`: a block graph too large to prove anything. `settlements`: a settlement
 * that was removed before its time.
 */
export type JobLimitName = 'source_jobs' | 'graph_edges' | 'settlements';

export interface TrackOptions {
  /** Milliseconds without a listener at the source's address after which its runs are lost. */
  lostAfterMs: number;
  /** Milliseconds from the gateway's start after which a source of before, which has not come again, was removed. */
  claimMs: number;
  /** Milliseconds from a run's end until it is settled without the proof of a pivot. */
  proofMs: number;
  /** Milliseconds between the queries that show what an old QEMU raises no event for, while a job is active. */
  legacyMs: number;
  storm: ThrottleOptions;
  /** Present runs of a source, and characters of their ids. Jobs beyond them get no run. */
  maxRuns: number;
  maxIds: number;
  /** Settlements that are kept. */
  settlements: SettlementLimits;
  /** Called each time that a limit is met. */
  limited: (limit: JobLimitName) => void;
  clock: Clock;
}
export const TRACK_DEFAULTS: TrackOptions = {
  lostAfterMs: 10_000,
  claimMs: 60_000,
  proofMs: 1_000,
  legacyMs: 1_000,
  storm: THROTTLE_DEFAULTS,
  maxRuns: 16_384,
  maxIds: 8 * 1024 * 1024,
  settlements: SETTLEMENT_LIMITS,
  limited: () => undefined,
  clock: CLOCK,
};
