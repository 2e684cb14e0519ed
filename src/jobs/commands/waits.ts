// The calls that wait. Each wait ends once: by its answer, at its deadline, or because its caller has gone.

import type { CallContext } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import { type Answer, refuse } from '../../protocol/answer.js';
import type { Requested, Settled } from '../../protocol/methods.js';

type Resolve = (answer: Answer<Requested | Settled>) => void;

interface Waiter {
  resolve: Resolve;
  /** Clears the timer and removes the listener. */
  end: () => void;
  leave: () => void;
}

export interface WaitEnds {
  due: () => void;
  /** The caller has gone. */
  gone: () => void;
}

/** The calls that wait for something of a run. */
export class Waits {
  readonly #clock: Clock;
  readonly #waiters = new Map<number, Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiters.size;
  }

  add(id: number, resolve: Resolve, { deadline, signal }: CallContext, { due, gone }: WaitEnds): void {
    const stop = this.#clock.after(Math.max(0, deadline - this.#clock.now()), due);
    const leave = (): void => {
      if (this.answer(id, refuse('OUTCOME_UNKNOWN', 'the caller has gone'))) gone();
    };
    signal.addEventListener('abort', leave, { once: true });
    const end = (): void => {
      stop();
      signal.removeEventListener('abort', leave);
    };
    this.#waiters.set(id, { resolve, end, leave });
  }

  /** Returns `false` if the call was answered before. */
  answer(id: number, answer: Answer<Requested | Settled>): boolean {
    const waiter = this.#waiters.get(id);
    if (!waiter) return false;
    this.#waiters.delete(id);
    waiter.end();
    waiter.resolve(answer);
    return true;
  }

  /** Ends the wait of a caller that has gone. */
  leave(id: number): void {
    this.#waiters.get(id)?.leave();
  }

  answerAll(answer: Answer<never>): void {
    for (const id of [...this.#waiters.keys()]) this.answer(id, answer);
  }
}

/** Those who await one shared promise. A `then` on a promise can't be removed, an entry of a set can. */
const followers = new WeakMap<Promise<boolean>, Set<(value: boolean) => void>>();

/** The value of a shared promise; `false` at the deadline, or when the caller has gone: then nothing is kept for it. */
export function within(clock: Clock, { deadline, signal }: CallContext, shared: Promise<boolean>): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const known = followers.get(shared);
    const all = known ?? new Set();
    const end = (value: boolean): void => {
      all.delete(end);
      stop();
      signal.removeEventListener('abort', leave);
      resolve(value);
    };
    const leave = (): void => end(false);
    const stop = clock.after(Math.max(0, deadline - clock.now()), leave);
    signal.addEventListener('abort', leave, { once: true });
    all.add(end);
    if (known) return;
    followers.set(shared, all);
    void shared.then((value) => {
      for (const each of [...all]) each(value);
    });
  });
}
