// A Runtime for tests: its time moves only when the test says so, and it records reported errors.
import type { Runtime } from '../../../src/client/runtime.js';

interface Timer {
  at: number;
  action: () => void;
}

export class Clock implements Runtime {
  time = 1_000_000;
  chance = 0;
  readonly reported: unknown[] = [];
  readonly #timers = new Set<Timer>();
  readonly #wakers = new Set<() => void>();

  now = () => this.time;
  random = () => this.chance;
  report = (error: unknown) => void this.reported.push(error);

  after = (ms: number, action: () => void) => {
    const timer = { at: this.time + ms, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  onWake = (listener: () => void) => {
    this.#wakers.add(listener);
    return () => void this.#wakers.delete(listener);
  };

  /** What would keep a page or a process busy. */
  get pending(): number {
    return this.#timers.size + this.#wakers.size;
  }

  /** Runs what is due, in order, with the promises in between. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settled();
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.action();
    }
    this.time = end;
    await settled();
  }

  /** A frozen tab: the wall clock moves, no timer fires. */
  freeze(ms: number): void {
    this.time += ms;
  }

  wake(): void {
    for (const waker of [...this.#wakers]) waker();
  }
}

/** Every promise that can settle without I/O has settled. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
