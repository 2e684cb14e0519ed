// How much of the history is kept, and for how long.
export interface HistoryLimits {
  /** Milliseconds after which a run goes, with the file that it is in. */
  ageMs: number;
  /** Bytes of all files; the oldest file goes first. */
  bytes: number;
  /** Runs, and bytes of their lines, without a folder. */
  memoryRuns: number;
  memoryBytes: number;
}

export const HISTORY_LIMITS: HistoryLimits = {
  ageMs: 365 * 24 * 3_600_000,
  bytes: 256 * 1024 * 1024,
  memoryRuns: 10_000,
  memoryBytes: 32 * 1024 * 1024,
};

/** The retention removes a file, so a file has at most this part of the whole. */
export const FILES = 16;
/** Bytes of one file at most, whatever the limits. */
export const FILE_BYTES = 64 * 1024 * 1024;
