// Calls that take long, in turn: few at a time, one of each connection or address, and none waits beyond its bound.
import type { Clock } from '../../clock.js';

const PLACES = 4;
/** Calls that wait: in all, and of one connection. */
const WAITING = 1_024;
const WAITING_OF_ONE = 16;

interface Waiting {
  owner: unknown;
  enter: () => void;
}

export class CallPlaces {
  readonly #clock: Clock;
  readonly #active = new Set<unknown>();
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves when the call has a place.
   *
   * @param owner one for a connection, or for all requests of an address.
   * @param ms how long it may wait.
   * @returns gives the place back; `undefined`: too many wait, or it has waited too long.
   */
  async enter(owner: unknown, ms: number): Promise<(() => void) | undefined> {
    const ofOwner = [...this.#waiting].filter((each) => each.owner === owner).length;
    if (this.#waiting.size >= WAITING || ofOwner >= WAITING_OF_ONE) return undefined;
    return new Promise((resolve) => {
      const stop = this.#clock.after(ms, () => {
        this.#waiting.delete(waiting);
        resolve(undefined);
      });
      const enter = (): void => {
        stop();
        this.#waiting.delete(waiting);
        this.#active.add(owner);
        resolve(() => {
          this.#active.delete(owner);
          this.#next();
        });
      };
      const waiting: Waiting = { owner, enter };
      this.#waiting.add(waiting);
      this.#next();
    });
  }

  #next(): void {
    for (const { owner, enter } of this.#waiting) {
      if (this.#active.size >= PLACES) return;
      if (!this.#active.has(owner)) enter();
    }
  }
}
