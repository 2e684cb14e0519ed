// Work that thousands ask for at once, spread over turns of the loop. In: pieces of work. Out: each of them once, in order, so many
// milliseconds of them a turn, so that live clients and commands come in between.

/** Milliseconds of work in one turn. */
const BUDGET_MS = 4;

export class Turns {
  #waiting: (() => void)[] = [];
  #scheduled = false;

  add(work: () => void): void {
    this.#waiting.push(work);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    const due = performance.now() + BUDGET_MS;
    let done = 0;
    try {
      while (done < this.#waiting.length) {
        this.#waiting[done++]?.();
        if (performance.now() > due) break;
      }
    } finally {
      this.#waiting = this.#waiting.slice(done);
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}
