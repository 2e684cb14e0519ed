// Limits that both ends of the wire must know, each with its reason. Imports nothing. The limits of the server alone are in its layers.

/** Bytes of one message from a client; the largest legitimate request is a filter of many globs. Over it: close 1009. */
export const MESSAGE_BYTES = 32 * 1024;
/** Requests of one connection that wait for their answers. */
export const IN_FLIGHT = 64;
/** Milliseconds of a call's bound: the minimum, and the default. */
export const TIMEOUT_MIN_MS = 100;
export const TIMEOUT_DEFAULT_MS = 30_000;
/** Milliseconds without a frame after which a client counts the connection as dead. */
export const SILENCE_MS = 40_000;

/** All limits in one object; the client imports the constants above, so that its bundle has no others. */
export const LIMITS = {
  messageBytes: MESSAGE_BYTES,
  /** Characters of a string id. */
  idLength: 64,
  /** Characters of a source name. */
  nameLength: 128,
  /** Bytes of a job id in UTF-8, far more than QEMU's own tools use; a longer one is cut, see docs/PROTOCOL.md. */
  jobBytes: 1_024,
  /** Globs in one field of a filter, and bytes of one glob: a glob may be any job's name. */
  globs: 32,
  globLength: 1_024,
  /** Characters of a filter's globs that have `*` or `?`, since these are compared with every job. */
  wildLength: 4_096,
  /** The highest `last`, and the number of entries that are examined for it. */
  lastMax: 10_000,
  /** Subscriptions with one filter on one connection, each with its own `tag`. */
  tagMax: 8,
  /** Subscriptions of one connection. */
  subscriptions: 64,
  inFlight: IN_FLIGHT,
  timeoutMinMs: TIMEOUT_MIN_MS,
  timeoutMaxMs: 3_600_000,
  timeoutDefaultMs: TIMEOUT_DEFAULT_MS,
  /** Bytes of one snapshot page; larger snapshots are paged. */
  snapshotPageBytes: 256 * 1024,
  /** Jobs in one answer of job.list, and runs in one of history.list. */
  listMax: 1_000,
  /** Milliseconds between two bookmarks. */
  bookmarkMs: 15_000,
  silenceMs: SILENCE_MS,
} as const;

/** What this server supports beyond the first release of v1: `server.info.features`. */
export const FEATURES = [
  'pivotProof',
  'began',
  'command',
  'tag',
  'last',
  'providers',
  'trace',
  'history',
  'from',
  'dryRun',
  'owner',
] as const;

/** Runs in one answer of history.list unless it is asked for another number. */
export const HISTORY_DEFAULT = 100;

/** Settlements in one snapshot, the newest, and in a client's own table; job.get finds older ones. */
export const SNAPSHOT_SETTLED = 1_000;

/** Intervals that `progress` rounds up to, in milliseconds. */
export const PROGRESS_INTERVALS = [100, 250, 500, 1000, 2000, 5000] as const;
export type ProgressInterval = (typeof PROGRESS_INTERVALS)[number];
export const PROGRESS_DEFAULT: ProgressInterval = 1000;

/** A source name that the operator may choose. */
export const SOURCE_NAME = /^[A-Za-z0-9._:@-]{1,128}$/;

/** Characters of QEMU's error text that a job and its settlement keep; the event has the whole text. */
export const ERROR_LENGTH = 4_096;
