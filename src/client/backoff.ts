// When to connect again, from how the connection ended, how often that has happened, and a random number. Pure.
import { retryPolicy } from '../protocol/codes.js';
import type { LineEnd } from './state.js';

export const BACKOFF = {
  /** The first retry comes within this; every further one doubles the window. */
  baseMs: 1_000,
  /** The widest window. */
  capMs: 30_000,
  /** The delay for `after-delay` where no `bye` gave one. */
  delayMs: 5_000,
  /** A connection that was open for so long resets the attempts. Without it, a gateway that greets and closes would be called without a pause. */
  healthyMs: 10_000,
} as const;

export type Credentials = 'none' | 'fixed' | 'renewable';
export type Decision = { kind: 'retry'; delayMs: number } | { kind: 'give-up' };

/**
 * Full jitter on top of the server's delay: `retryAfterMs` is a minimum, since the server knows how many clients it sends away, and the random part
 * grows with every failure.
 */
export function decide(end: LineEnd, attempt: number, credentials: Credentials, random: number): Decision {
  const jitter = random * Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** Math.min(attempt, 16));
  const retry = (floor: number): Decision => ({
    kind: 'retry',
    delayMs: Math.round((end.retryAfterMs ?? floor) + jitter),
  });
  // Without credentials the next attempt would end with 4408 again.
  const policy = end.code === 4408 && credentials === 'none' ? 'new-credentials' : retryPolicy(end.code);
  switch (policy) {
    case 'resume':
      return retry(0);
    case 'after-delay':
      return retry(BACKOFF.delayMs);
    case 'new-credentials':
      return credentials === 'renewable' ? retry(0) : { kind: 'give-up' };
    case 'never':
      return { kind: 'give-up' };
  }
}
