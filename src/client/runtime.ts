// Time, randomness and wake-ups as parameters: those of the browser or of Node; tests have their own.

/** What the client needs of its surroundings. Times are milliseconds of the wall clock. */
export interface Runtime {
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls `action` once, `ms` from now; returns the cancellation. */
  after(ms: number, action: () => void): () => void;
  /** Reports an error that an observer threw: it must neither break the connection nor go unnoticed. */
  report(error: unknown): void;
  /** Calls `listener` when a frozen tab is shown again or the network is back; returns the cancellation. */
  onWake(listener: () => void): () => void;
}

interface WakeTarget {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

/** Bubbling brings the document's visibilitychange to the window. Node and most workers have none of the three. */
const WAKE_EVENTS = ['visibilitychange', 'pageshow', 'online'];

/** setTimeout takes a signed 32-bit number; with a larger one it fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

export const RUNTIME: Runtime = {
  now: () => Date.now(),
  random: () => Math.random(),
  after(ms, action) {
    const timer = setTimeout(action, Math.min(ms, LONGEST_MS));
    return () => clearTimeout(timer);
  },
  report(error) {
    queueMicrotask(() => {
      throw error;
    });
  },
  onWake(listener) {
    const target = globalThis as WakeTarget;
    for (const type of WAKE_EVENTS) target.addEventListener?.(type, listener);
    return () => {
      for (const type of WAKE_EVENTS) target.removeEventListener?.(type, listener);
    };
  },
};
