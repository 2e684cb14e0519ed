// Keeps what is known of the jobs of one connection true: queried until there is a reply, and again after a long silence.
import type { Clock } from '../../clock.js';
import { backoff } from '../backoff.js';

/** Whatever asks a source for its jobs. */
export interface JobQueries {
  /** Queries after this call; resolves with whether there was a reply. */
  fresh(): Promise<boolean>;
  /** The query that is under way, or a new one. */
  current(): Promise<boolean>;
  /** As {@link current}, with as few commands as show that there are no jobs. */
  probe(): Promise<boolean>;
  close(): void;
}

export interface JobSyncOptions {
  clock: Clock;
  /** Milliseconds of silence after which the source is probed. */
  probeMs: number;
  /** Milliseconds until a refused first query is repeated: doubled each time, up to `refusedMaxMs`. */
  refusedMs: number;
  refusedMaxMs: number;
}

export class JobSync {
  /** Set at each event. */
  heard = false;
  readonly #queries: JobQueries;
  readonly #options: JobSyncOptions;
  readonly #refused: () => void;
  #isSynced = false;
  #isClosed = false;
  /** Stops the timer of the next try, then that of the probes. */
  #stop: (() => void) | undefined;
  /** By the monotonic clock: the last check that found an event or a reply. */
  #lastHeard: number;

  /** @param refused called when the first query is refused; it is repeated. */
  constructor(queries: JobQueries, options: JobSyncOptions, refused: () => void) {
    this.#queries = queries;
    this.#options = options;
    this.#refused = refused;
    this.#lastHeard = options.clock.now();
  }

  /** Whether the jobs are known. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  begin(): void {
    this.#try(0);
  }

  /** To be called with each reply, before it is passed on. */
  merged(): void {
    const { clock, probeMs } = this.#options;
    this.#lastHeard = clock.now();
    if (this.#isSynced) return;
    this.#isSynced = true;
    this.heard = false;
    this.#stop?.();
    this.#stop = clock.every(probeMs / 2, () => this.#probe());
  }

  close(): void {
    this.#isClosed = true;
    this.#stop?.();
    this.#queries.close();
  }

  #try(refusals: number): void {
    void this.#queries.fresh().then((merged) => {
      if (merged || this.#isSynced || this.#isClosed) return;
      // With `-preconfig` QEMU refuses some queries until `x-exit-preconfig`.
      this.#refused();
      const { clock, refusedMs: baseMs, refusedMaxMs: maxMs } = this.#options;
      this.#stop = clock.after(backoff(refusals, 1, { baseMs, maxMs }), () => this.#try(refusals + 1));
    });
  }

  /** The clock is not read for each event, so there are two checks in `probeMs`. */
  #probe(): void {
    const { probeMs, clock } = this.#options;
    const now = clock.now();
    if (this.heard) this.#lastHeard = now;
    this.heard = false;
    if (now - this.#lastHeard >= probeMs) void this.#queries.probe();
  }
}
