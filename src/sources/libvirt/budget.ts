// How many calls of this gateway may be unanswered in one libvirtd. A call to a stopped QEMU occupies a worker of libvirtd (20 by default) until
// QEMU goes on, and with all of them occupied nobody's calls to any domain are served.
import type { Clock } from '../../clock.js';

/** In the order in which waiting calls are served. */
export type CallLane = 'abort' | 'verb' | 'query';
const LANES: readonly CallLane[] = ['abort', 'verb', 'query'];

export interface BudgetLimits {
  /** Calls that are unanswered for less than `heldAfterMs`, over all domains. */
  fresh: number;
  /** As many more, for aborts alone. */
  aborts: number;
  /** Calls that are unanswered for longer. Once there are so many, later ones keep their places among the others. */
  held: number;
  /** Milliseconds after which a call is held. */
  heldAfterMs: number;
}

export const BUDGET_LIMITS: BudgetLimits = { fresh: 3, aborts: 1, held: 8, heldAfterMs: 5_000 };

/** A place for one call. */
export interface Place {
  /** The call is answered. */
  release(): void;
}

interface Grant extends Place {
  place: 'fresh' | 'abort' | 'held';
  overdue: boolean;
}

interface Waiting {
  lane: CallLane;
  granted: (place: Place) => void;
  /** Called when the call has been unanswered for `heldAfterMs`. */
  late: () => void;
}

export class CallBudget {
  readonly #clock: Clock;
  readonly #limits: BudgetLimits;
  readonly #filled: (is: boolean) => void;
  readonly #grants = new Set<Grant>();
  readonly #waiting: Readonly<Record<CallLane, Set<Waiting>>> = { abort: new Set(), verb: new Set(), query: new Set() };
  #isFull = false;

  /** @param filled called when every held place is taken, and when one is free again. */
  constructor(clock: Clock, limits: Partial<BudgetLimits> = {}, filled: (is: boolean) => void = () => {}) {
    this.#clock = clock;
    this.#limits = { ...BUDGET_LIMITS, ...limits };
    this.#filled = filled;
  }

  /** Unanswered calls. */
  get counts(): { fresh: number; held: number; maxHeld: number } {
    const held = this.#count('held');
    return { fresh: this.#grants.size - held, held, maxHeld: this.#limits.held };
  }

  /** Grants a place, at once or when there is one. @returns withdraws a request that is still waiting. */
  request(lane: CallLane, granted: (place: Place) => void, late: () => void): () => void {
    const waiting: Waiting = { lane, granted, late };
    this.#waiting[lane].add(waiting);
    this.#serve();
    return () => void this.#waiting[lane].delete(waiting);
  }

  #serve(): void {
    for (const lane of LANES)
      for (const waiting of this.#waiting[lane]) {
        const place = this.#free(lane);
        if (!place) break;
        this.#waiting[lane].delete(waiting);
        this.#grant(place, waiting);
      }
  }

  #free(lane: CallLane): 'fresh' | 'abort' | undefined {
    if (this.#count('fresh') < this.#limits.fresh) return 'fresh';
    return lane === 'abort' && this.#count('abort') < this.#limits.aborts ? 'abort' : undefined;
  }

  #grant(place: 'fresh' | 'abort', { granted, late }: Waiting): void {
    const stop = this.#clock.after(this.#limits.heldAfterMs, () => {
      grant.overdue = true;
      this.#hold();
      late();
    });
    const grant: Grant = {
      place,
      overdue: false,
      release: () => {
        stop();
        if (!this.#grants.delete(grant)) return;
        this.#hold();
        this.#serve();
      },
    };
    this.#grants.add(grant);
    granted(grant);
  }

  /** Moves calls that are overdue to held places, while there are any. */
  #hold(): void {
    for (const grant of this.#grants)
      if (grant.overdue && grant.place !== 'held' && this.#count('held') < this.#limits.held) grant.place = 'held';
    const isFull = this.#count('held') >= this.#limits.held;
    if (isFull !== this.#isFull) {
      this.#isFull = isFull;
      this.#filled(isFull);
    }
    this.#serve();
  }

  #count(place: Grant['place']): number {
    let count = 0;
    for (const grant of this.#grants) if (grant.place === place) count += 1;
    return count;
  }
}
