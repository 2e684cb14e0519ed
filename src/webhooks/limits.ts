// Times and bounds of deliveries.

export interface WebhookLimits {
  /** Milliseconds from the name's look-up to the end of the answer. */
  timeoutMs: number;
  /** The delay after the first failure in milliseconds; it doubles up to the longest. */
  baseMs: number;
  maxMs: number;
  /** The longest Retry-After that is respected, in milliseconds. */
  retryAfterMs: number;
  /** Milliseconds without a success after which what waits is given up, and a gap announced. */
  giveUpMs: number;
  /** Answers 4xx after which an entry is a dead letter. */
  tries: number;
  /** Milliseconds between two writes of a position. */
  saveMs: number;
  /** Entries, and milliseconds, of one search in the log. */
  sliceEntries: number;
  sliceMs: number;
  /** Bytes of an answer that are read; its text is not used. */
  answerBytes: number;
  /** Names that are looked up at once: each occupies one of Node's four threads, which write files too. */
  lookups: number;
}

export const WEBHOOK_LIMITS: WebhookLimits = {
  timeoutMs: 10_000,
  baseMs: 1_000,
  maxMs: 5 * 60_000,
  retryAfterMs: 60 * 60_000,
  giveUpMs: 24 * 3_600_000,
  tries: 3,
  saveMs: 1_000,
  sliceEntries: 256,
  sliceMs: 2,
  answerBytes: 64 * 1024,
  lookups: 2,
};
