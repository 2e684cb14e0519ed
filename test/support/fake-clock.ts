// A clock in the test's hand: time moves, and turns of the loop come, only when told.
import type { Clock } from '../../src/clock.js';

interface Timer {
  at: number;
  everyMs: number | undefined;
  action: () => void;
}

export class FakeClock implements Clock {
  #now = 1_000;
  #dateOffset = Date.UTC(2026, 10, 25);
  #tokens = 0;
  #soon: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  date(): number {
    return this.#dateOffset + this.#now;
  }

  random(): number {
    return 0.5;
  }

  token(bytes: number): string {
    this.#tokens += 1;
    return this.#tokens.toString(16).padStart(2 * bytes, '0');
  }

  next(action: () => void): void {
    queueMicrotask(action);
  }

  soon(action: () => void): void {
    this.#soon.push(action);
  }

  after(ms: number, action: () => void): () => void {
    return this.#start({ at: this.#now + ms, everyMs: undefined, action });
  }

  every(ms: number, action: () => void): () => void {
    return this.#start({ at: this.#now + ms, everyMs: ms, action });
  }

  /** Timers that have not fired or been cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Somebody sets the wall clock, by so many milliseconds. */
  setDate(byMs: number): void {
    this.#dateOffset += byMs;
  }

  /** Time that work takes: no timer fires meanwhile. */
  spend(ms: number): void {
    this.#now += ms;
  }

  /** So many turns of the loop, each with the I/O and the promises that are due. */
  async turn(count = 1): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const actions = this.#soon;
      this.#soon = [];
      for (const action of actions) action();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Fires what is due, in order, with two turns of the loop after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.turn();
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#now = Math.max(this.#now, next.at);
      if (next.everyMs === undefined) this.#timers.delete(next);
      else next.at += next.everyMs;
      next.action();
      await this.turn(2);
    }
    this.#now = Math.max(this.#now, end);
  }

  #start(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
}
