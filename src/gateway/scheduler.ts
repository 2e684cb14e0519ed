// Spreads work that thousands of clients may cause at once over event-loop turns. Each kind of work has a queue with a time budget for each turn, and
// in a queue one owner after the other takes a step. So neither a kind of work nor a client blocks the others.
import type { Clock } from '../clock.js';

/** Milliseconds for the steps of one queue in one turn. */
const BUDGET_MS = 4;

/** One step. `true`: this owner has nothing left to do. */
export type Work = () => boolean;

export class Scheduler {
  readonly #clock: Clock;
  readonly #queues: WorkQueue[] = [];
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Queues have their turns in the order in which they were made.
   *
   * @param budgetMs 0: one step a turn, which has bounds of its own.
   */
  queue(budgetMs: number = BUDGET_MS): WorkQueue {
    const queue = new WorkQueue(this.#clock, budgetMs, () => this.#schedule());
    this.#queues.push(queue);
    return queue;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    for (const [at, queue] of this.#queues.entries())
      try {
        queue.turn();
      } catch (error) {
        // The queues behind it are served in the next turn.
        for (const other of this.#queues.slice(at + 1)) other.skip();
        throw error;
      }
  }
}

export class WorkQueue {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  readonly #schedule: () => void;
  /** In the order in which owners are served; one that has more to do goes to the end. */
  readonly #waiting = new Map<object, Work>();
  /** Milliseconds used by {@link now} since the last turn. */
  #spent = 0;

  /** @param schedule requests a call of {@link turn}. */
  constructor(clock: Clock, budgetMs: number, schedule: () => void) {
    this.#clock = clock;
    this.#budgetMs = budgetMs;
    this.#schedule = schedule;
  }

  /** Takes the first step in a later turn. An owner has one piece of work at a time: a second one is ignored while the first waits. */
  later(owner: object, work: Work): void {
    if (!this.#waiting.has(owner)) this.#waiting.set(owner, work);
    this.#schedule();
  }

  /** Takes the first step at once if no other owner waits and the budget has time left. */
  now(owner: object, work: Work): void {
    if (this.#waiting.size > 0 || this.#spent >= this.#budgetMs) return this.later(owner, work);
    const begun = this.#clock.now();
    try {
      if (!work()) this.later(owner, work);
    } finally {
      this.#spent += this.#clock.now() - begun;
      this.#schedule();
    }
  }

  /** Drops the owner's work. */
  drop(owner: object): void {
    this.#waiting.delete(owner);
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** For the scheduler. */
  turn(): void {
    this.#spent = 0;
    if (this.#waiting.size === 0) return;
    const due = this.#clock.now() + this.#budgetMs;
    try {
      for (const [owner, work] of this.#waiting) {
        this.#waiting.delete(owner);
        if (!work()) this.later(owner, work);
        if (this.#clock.now() >= due) break;
      }
    } finally {
      this.skip();
    }
  }

  /** For the scheduler: its turn is the next one. */
  skip(): void {
    if (this.#waiting.size > 0) this.#schedule();
  }
}
