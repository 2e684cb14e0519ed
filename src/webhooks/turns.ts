// Searches in the log by several webhooks: one of them in a turn of the loop, each in turn.
import type { Clock } from '../clock.js';

export class Turns {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  later(work: () => void): void {
    this.#waiting.add(work);
    this.#schedule();
  }

  drop(work: () => void): void {
    this.#waiting.delete(work);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    this.#clock.soon(() => {
      this.#isScheduled = false;
      const [work] = this.#waiting;
      if (work) {
        this.#waiting.delete(work);
        work();
      }
      this.#schedule();
    });
  }
}
