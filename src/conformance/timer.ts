// Timers as a parameter: the kit waits for the server, never longer than its bounds.

/** Calls `done` once, after so many milliseconds. @returns a function that cancels. */
export type Timer = (ms: number, done: () => void) => () => void;

export const systemTimer: Timer = (ms, done) => {
  const timer = setTimeout(done, ms);
  return () => clearTimeout(timer);
};
