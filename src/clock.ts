// Time, timers and randomness. Every layer of the gateway but `qmp` gets them from a `Clock` and never from the process, so that a test controls all of
// them.
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Milliseconds of a monotonic clock, the one of `CallContext`. */
  now(): number;
  /** Milliseconds since 1970. */
  date(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** So many random bytes in hex digits, for a name that nothing else has. */
  token(bytes: number): string;
  /** In this turn of the loop, when the callback that runs now has returned. */
  next(action: () => void): void;
  /** In a later turn of the loop, after what I/O has brought. */
  soon(action: () => void): void;
  /** Calls back once, so many milliseconds from now. Returns the cancellation. */
  after(ms: number, action: () => void): () => void;
  /** Calls back at each interval of so many milliseconds; does not keep the process alive. Returns the cancellation. */
  every(ms: number, action: () => void): () => void;
}

export const CLOCK: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  random: () => Math.random(),
  token: (bytes) => randomBytes(bytes).toString('hex'),
  next(action) {
    queueMicrotask(action);
  },
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

/** Something has not answered in time. What was asked of it may still happen. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * What was asked, or no answer within so many milliseconds. They count in two halves, one after the other: for a process that stood still (a paused
 * machine, SIGSTOP) the first one is over when it goes on, and the second leaves time to look at what has come meanwhile. One that stood still in the
 * second looks once more.
 *
 * @param who of whom, as the error names it. @param late called just before that error. @throws {@link NoAnswer}
 */
export function within<T>(
  asked: Promise<T>,
  clock: Clock,
  limitMs: number,
  who: string,
  late?: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const fail = (): void => {
      if (isAnswered) return;
      late?.();
      reject(new NoAnswer(`${who} did not answer for ${limitMs} ms`));
    };
    let stop = clock.after(limitMs / 2, () => {
      stop = clock.after(limitMs / 2, () => clock.soon(fail));
    });
    asked.then(
      (value) => {
        isAnswered = true;
        stop();
        resolve(value);
      },
      (error: unknown) => {
        isAnswered = true;
        stop();
        reject(error);
      },
    );
  });
}
