// Limits that both ends of the wire must know, each with its reason. Imports nothing. The server's own are in its layers.

/** Bytes of one message from a client; the largest legitimate request is a filter of many globs. Over it: close 1009. */
export const MESSAGE_BYTES = 32 * 1024;
/** Requests of one connection that wait for their answer. */
export const IN_FLIGHT = 64;
/** Milliseconds that a call may take: at least, and where the caller says nothing. */
export const TIMEOUT_MIN_MS = 100;
export const TIMEOUT_DEFAULT_MS = 30_000;
/** Milliseconds without any frame until a client calls the line dead. */
export const SILENCE_MS = 40_000;

/** All of them in one object; the client names its own above, so that it carries no others. */
export const LIMITS = {
  messageBytes: MESSAGE_BYTES,
  /** Characters of a string id. */
  idLength: 64,
  /** Characters of a source name. */
  nameLength: 128,
  /** Bytes of a job id in UTF-8, far more than QEMU's own tools use; a longer one is cut, see docs/PROTOCOL.md. */
  jobBytes: 1_024,
  /** Globs in one field of a filter, and bytes of one glob: it may name any job. */
  globs: 32,
  globLength: 1_024,
  /** Characters of the globs of a filter that have `*` or `?`: they are compared with every job. */
  wildLength: 4_096,
  /** Entries that `last` may ask for, and that are examined to find them. */
  lastMax: 10_000,
  /** Subscriptions of one filter on one connection, with a `tag` each. */
  tagMax: 8,
  /** Subscriptions of one connection. */
  subscriptions: 64,
  inFlight: IN_FLIGHT,
  timeoutMinMs: TIMEOUT_MIN_MS,
  timeoutMaxMs: 3_600_000,
  timeoutDefaultMs: TIMEOUT_DEFAULT_MS,
  /** Bytes of one snapshot page; larger snapshots are paged. */
  snapshotPageBytes: 256 * 1024,
  /** Jobs in one answer of job.list. */
  listMax: 1_000,
  /** Milliseconds between two bookmarks. */
  bookmarkMs: 15_000,
  silenceMs: SILENCE_MS,
} as const;

/** What this server can beyond the first release of v1: `server.info.features`. */
export const FEATURES = ['pivotProof', 'began', 'command', 'tag', 'last'] as const;

/** Settlements in one snapshot, the newest; older ones are remembered for job.get alone. The server's own: no client need carry it. */
export const SNAPSHOT_SETTLED = 1_000;

/** Intervals that `progress` rounds up to, in milliseconds. */
export const PROGRESS_INTERVALS = [100, 250, 500, 1000, 2000, 5000] as const;
export type ProgressInterval = (typeof PROGRESS_INTERVALS)[number];
export const PROGRESS_DEFAULT: ProgressInterval = 1000;

/** A source name as the operator may give it. */
export const SOURCE_NAME = /^[A-Za-z0-9._:@-]{1,128}$/;

/** Characters of QEMU's error text that a job and its settlement keep; the event has all of it. */
export const ERROR_LENGTH = 4_096;
