// Job ids about which only a query can tell more, collected over one event-loop turn and given to the callback after its events.
import type { Clock } from '../../clock.js';

export class Doubts {
  readonly #clock: Clock;
  readonly #settle: (ids: ReadonlySet<string>) => void;
  #ids = new Set<string>();

  constructor(clock: Clock, settle: (ids: ReadonlySet<string>) => void) {
    this.#clock = clock;
    this.#settle = settle;
  }

  add(id: string): void {
    if (this.#ids.size === 0)
      this.#clock.soon(() => {
        const ids = this.#ids;
        this.#ids = new Set();
        this.#settle(ids);
      });
    this.#ids.add(id);
  }
}
