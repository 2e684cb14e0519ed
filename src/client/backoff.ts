// When to connect again, from how the connection ended, how often that has happened, and a random number. Pure.
import { retryPolicy } from '../protocol/codes.js';
import type { LineEnd } from './state.js';

export const BACKOFF = {
  /** The first retry comes within this; every further one doubles the window. */
  baseMs: 1_000,
  /** The widest window. */
  capMs: 30_000,
  /** What `after-delay` means where no `bye` said it. */
  delayMs: 5_000,
  /** A connection that has been open so long resets the attempts: a gateway that greets and dies must not be a hot loop. */
  healthyMs: 10_000,
} as const;

export type Credentials = 'none' | 'fixed' | 'renewable';
export type Decision = { kind: 'retry'; delayMs: number } | { kind: 'give-up' };

/**
 * Full jitter over the server's own delay: `retryAfterMs` is a floor, because the server knows how many it sends away,
 * and the random part on top grows with every failure.
 */
export function decide(end: LineEnd, attempt: number, credentials: Credentials, random: number): Decision {
  const jitter = random * Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** Math.min(attempt, 16));
  const retry = (floor: number): Decision => ({
    kind: 'retry',
    delayMs: Math.round((end.retryAfterMs ?? floor) + jitter),
  });
  // 4408 without any credentials can't end otherwise the next time.
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
