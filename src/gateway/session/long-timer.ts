// A timer for any length of time: what ends at a time of the wall clock may be months away.
import type { Clock } from '../../clock.js';

/** A timer of Node's ends at once beyond 24.8 days. */
const MAX_TIMER_MS = 24 * 3_600_000;

/**
 * Calls back when nothing is left. @returns the cancellation.
 *
 * @param left milliseconds that are left, asked again each time: the wall clock may be set.
 */
export function afterLong(clock: Clock, left: () => number, action: () => void): () => void {
  let cancel = (): void => {};
  const wait = (): void => {
    const ms = left();
    cancel = clock.after(Math.max(0, Math.min(ms, MAX_TIMER_MS)), ms > MAX_TIMER_MS ? wait : action);
  };
  wait();
  return () => cancel();
}
