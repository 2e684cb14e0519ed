// Time and chance as the gateway has them: the only file that asks the process for them, so that tests hold both.

export interface Clock {
  /** Milliseconds of a clock that never goes back, as `CallContext` has them. */
  now(): number;
  /** Milliseconds since 1970. */
  date(): number;
  /** From 0 up to, and without, 1. */
  random(): number;
  /** In a later turn of the loop, after what I/O has brought. */
  soon(action: () => void): void;
  /** Once, so many milliseconds from now. Returns the cancellation. */
  after(ms: number, action: () => void): () => void;
  /** Each time so many milliseconds have passed; it alone keeps no process alive. Returns the cancellation. */
  every(ms: number, action: () => void): () => void;
}

export const CLOCK: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  random: () => Math.random(),
  soon(action) {
    setImmediate(action);
  },
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
  every(ms, action) {
    const timer = setInterval(action, ms).unref();
    return () => clearInterval(timer);
  },
};
