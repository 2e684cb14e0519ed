// A timer for any length of time: what ends at a time of the wall clock may be months away.
import type { Clock } from '../../clock.js';

/** Milliseconds after which what is left is asked again: the wall clock may be set. */
const STEP_MS = 60_000;

/**
 * Calls back when nothing is left. @returns the cancellation.
 *
 * @param left milliseconds that are left, asked again each minute and at the end.
 */
export function afterLong(clock: Clock, left: () => number, action: () => void): () => void {
  let cancel = (): void => {};
  const wait = (): void => {
    cancel = clock.after(Math.max(0, Math.min(left(), STEP_MS)), () => (left() > 0 ? wait() : action()));
  };
  wait();
  return () => cancel();
}
