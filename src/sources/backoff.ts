// The delay before the next attempt to connect. Full jitter: uniform in 0…min(max, base * 2^failures), so that many sources don't reconnect at the
// same moment.

export interface BackoffOptions {
  /** Milliseconds of the first upper bound. */
  baseMs: number;
  /** Milliseconds of the largest upper bound. */
  maxMs: number;
}

export function backoff(failures: number, random: number, { baseMs, maxMs }: BackoffOptions): number {
  return Math.round(random * Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30)));
}
