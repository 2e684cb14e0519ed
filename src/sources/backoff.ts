// How long to wait before the next try. Full jitter: uniform in 0…min(max, base * 2^failures), so that many sources don't march in step.

export interface BackoffOptions {
  /** Milliseconds of the first ceiling. */
  baseMs: number;
  /** Milliseconds of the last ceiling. */
  maxMs: number;
}

export function backoff(failures: number, random: number, { baseMs, maxMs }: BackoffOptions): number {
  return Math.round(random * Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30)));
}
