// What a tracked source may wait for and keep, each with its reason. Tests shorten the intervals.
import { STORM_DEFAULTS, type StormOptions } from './storm.js';

export interface TrackOptions {
  /** Milliseconds that nobody may listen before the runs of a source are lost. */
  lostAfterMs: number;
  /** Milliseconds of silence after which a monitor is probed. */
  probeMs: number;
  /** Milliseconds to the replies of a query; past it the source is `stalled`. */
  queryMs: number;
  /** Milliseconds from a run's end until it is settled without the proof of a pivot. */
  proofMs: number;
  /** Milliseconds until a refused first query is asked again: doubled each time, up to `refusedMaxMs`. */
  refusedMs: number;
  refusedMaxMs: number;
  /** Bytes of events that wait for the identification of a QEMU; past it they are published, and the identity stays unknown. */
  heldBytes: number;
  storm: StormOptions;
  /** Present runs of a source, and characters of their ids: jobs beyond them have no run. */
  maxRuns: number;
  maxIds: number;
  /** For the operator's log: what a connected source does that no connection's end tells. */
  report: (what: 'stalled' | 'responsive' | 'refused-query', fields: Record<string, unknown>) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Milliseconds of a monotonic clock. */
  monotonic: () => number;
}
export const TRACK_DEFAULTS: TrackOptions = {
  lostAfterMs: 10_000,
  probeMs: 30_000,
  queryMs: 30_000,
  proofMs: 1_000,
  refusedMs: 200,
  refusedMaxMs: 5_000,
  heldBytes: 4 * 1024 * 1024,
  storm: STORM_DEFAULTS,
  maxRuns: 16_384,
  maxIds: 8 * 1024 * 1024,
  report: () => undefined,
  now: Date.now,
  monotonic: () => performance.now(),
};
