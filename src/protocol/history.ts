// The history of runs on the wire: the feature `history`.
import type {
  Cursor,
  Entry,
  Int64,
  JobType,
  Outcome,
  Pivoted,
  PivotProof,
  Provenance,
  RunId,
  Settlement,
} from './types.js';

/** Milliseconds since the run's start, and how far it was then. */
export type ProgressSample = readonly [sinceMs: number, offset: number, len: number];

/** A run that has ended, as the history keeps it for weeks. */
export interface HistoryRun {
  source: string;
  job: string;
  run: RunId;
  type: JobType | null;
  /** Time of the entry that began the run, by the clock of its QEMU; `null`: it is not known. */
  start: string | null;
  /** When it settled, by the gateway's clock. */
  end: string;
  durationMs: number | null;
  outcome: Outcome;
  provenance: Provenance;
  pivoted: Pivoted;
  pivotProof: PivotProof;
  forced: boolean;
  escalated: boolean;
  requestedBy: string[];
  len: Int64 | null;
  offset: Int64 | null;
  libvirt?: NonNullable<Settlement['libvirt']>;
  error?: string;
  /** Cursors of the entry that began it and of its GATEWAY_JOB_SETTLED. */
  began?: Cursor;
  ended: Cursor;
}

/** Fields are ANDed, the entries of a list ORed. `sources`, `jobs` and `by` have globs. Feature `history`. */
export interface HistoryParams {
  sources?: readonly string[];
  jobs?: readonly string[];
  outcomes?: readonly Outcome[];
  /** Of `requestedBy`. */
  by?: readonly string[];
  /** Ended at that time or later, or before it: ISO 8601. */
  endedAfter?: string;
  endedBefore?: string;
  /** 1 to 1,000, default 100. */
  limit?: number;
  pageToken?: string;
}

/** One run from its beginning to its end. Feature `history`. */
export interface RunStory {
  source: string;
  job: string;
  run: RunId;
  /** Missing while the run is live. */
  record?: HistoryRun;
  progress: readonly ProgressSample[];
  /** Of the run, in order. */
  entries: Entry[];
  /** Some of its entries are missing. */
  truncated?: boolean;
  /** Which they are, in order; older servers omit it. */
  missing?: readonly MissingEntries[];
}

/**
 * `retention`: they have left the log. `epoch`: they are of a log before this one. `size`: they stand between the first and the last 128 KiB. `time`:
 * there was no time to read on.
 */
export type MissingReason = 'retention' | 'epoch' | 'size' | 'time';

/** Entries of a run that its story does not have. */
export interface MissingEntries {
  reason: MissingReason;
  /** They come after this position; missing: from the beginning of the run on. */
  after?: Cursor;
  /** And not after this one; missing: up to its end. */
  upTo?: Cursor;
}
