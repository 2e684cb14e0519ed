// Time as a parameter of every other file here, and the system's clock.

/** Tests pass a clock of their own, so that no test waits in real time. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; fractions carry the microseconds of event timestamps. */
  now(): number;
  /** Calls `fn` once after `ms` milliseconds (0 or more). Returns its cancellation, which may be called any number of times. */
  setTimer(fn: () => void, ms: number): () => void;
}

/** setTimeout fires at once on delays beyond 2^31-1 ms; such a timer is re-armed instead. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimer(fn, ms) {
    let handle: NodeJS.Timeout;
    const arm = (left: number): void => {
      handle = setTimeout(
        () => (left > LONGEST_TIMEOUT_MS ? arm(left - LONGEST_TIMEOUT_MS) : fn()),
        Math.min(left, LONGEST_TIMEOUT_MS),
      );
    };
    arm(ms);
    return () => clearTimeout(handle);
  },
};
