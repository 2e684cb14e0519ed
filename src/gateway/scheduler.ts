// Work that thousands ask for at once, spread over turns of the loop. In: an owner and its work. Out: a step of each owner after the
// other, so many milliseconds of steps a turn, so that live clients and commands come in between.

/** Milliseconds of steps in one turn. */
const BUDGET_MS = 4;

/** One step. `true`: nothing is left to do for this owner. */
export type Work = () => boolean;

export class Scheduler {
  /** In the order in which they are served; who has more to do goes to the end. */
  readonly #waiting = new Map<object, Work>();
  #scheduled = false;
  /** Milliseconds that {@link now} used since the last turn. */
  #spent = 0;

  /** In a later turn. An owner has one piece of work at a time: a second one is ignored while the first waits. */
  later(owner: object, work: Work): void {
    if (!this.#waiting.has(owner)) this.#waiting.set(owner, work);
    this.#schedule();
  }

  /** The first step at once, if nobody waits and this turn has time left. */
  now(owner: object, work: Work): void {
    if (this.#waiting.size > 0 || this.#spent >= BUDGET_MS) return this.later(owner, work);
    const begun = performance.now();
    try {
      if (!work()) this.later(owner, work);
    } finally {
      this.#spent += performance.now() - begun;
      this.#schedule();
    }
  }

  /** What the owner still wants is not done. */
  drop(owner: object): void {
    this.#waiting.delete(owner);
  }

  clear(): void {
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#spent = 0;
    const due = performance.now() + BUDGET_MS;
    try {
      for (const [owner, work] of this.#waiting) {
        this.#waiting.delete(owner);
        if (!work()) this.later(owner, work);
        if (performance.now() > due) break;
      }
    } finally {
      if (this.#waiting.size > 0) this.#schedule();
    }
  }
}
