// Settlements, kept apart from the log so that even who comes hours later learns how a run ended. Bounded by age and count.
import type { Clock } from '../../clock.js';
import type { Job, SettledRun } from '../../protocol/types.js';
import { type Run, viewRun } from '../model/run.js';
import type { Ended } from './run-store.js';

export interface SettlementLimits {
  /** Milliseconds for which a settlement is kept. */
  ageMs: number;
  /** Settlements of all sources; the oldest are removed first. */
  count: number;
  /** Bytes, estimated from the lengths of ids and error texts. */
  bytes: number;
}
export const SETTLEMENT_LIMITS: SettlementLimits = { ageMs: 24 * 3_600_000, count: 10_000, bytes: 32 * 1024 * 1024 };

/** Estimate for a settlement and its job without their texts. */
const RECORD_BYTES = 1_024;

interface Remembered {
  settled: SettledRun;
  last: Run;
  at: number;
  bytes: number;
}

export interface RememberedRun {
  settled: SettledRun;
  /** The job in its last state. */
  job: Job;
}

export class SettlementHistory {
  readonly #limits: SettlementLimits;
  readonly #clock: Clock;
  /** By source and run: an owner of a cluster that was taken may name the run of another source. */
  readonly #runs = new Map<string, Remembered>();
  /** The key of the newest settled run of each source and job id. */
  readonly #newest = new Map<string, string>();
  readonly #evicted: () => void;
  #bytes = 0;
  /** Of the settlement that was added last, and whether one before it is younger: those of a restart come source by source. */
  #lastAt = Number.NEGATIVE_INFINITY;
  #isUnsorted = false;

  /** @param evicted called for each settlement that is removed before its time. */
  constructor(clock: Clock, limits: Partial<SettlementLimits> = {}, evicted: () => void = () => undefined) {
    this.#evicted = evicted;
    this.#limits = { ...SETTLEMENT_LIMITS, ...limits };
    this.#clock = clock;
  }

  add(ended: Ended): void {
    this.#add(ended, this.#clock.now());
    this.#expire();
  }

  /** One from before a restart. */
  restore(ended: Ended): void {
    const { time } = ended.settled;
    const ageMs = time === null ? 0 : Math.max(0, this.#clock.date() - Date.parse(time));
    this.#add(ended, this.#clock.now() - ageMs);
    // Which are the oldest is known when all have come.
    const { count, bytes } = this.#limits;
    if (this.#runs.size > 2 * count || this.#bytes > 2 * bytes) this.#expire();
  }

  has(named: { source: string; run: string }): boolean {
    return this.#runs.has(runKey(named));
  }

  /** All of them, the oldest first. */
  all(): readonly Ended[] {
    this.#expire();
    return [...this.#runs.values()];
  }

  #add({ settled, last }: Ended, at: number): void {
    const bytes = RECORD_BYTES + settled.job.length + 2 * (settled.settled.error?.length ?? 0);
    const key = runKey(settled);
    this.#bytes += bytes - (this.#runs.get(key)?.bytes ?? 0);
    this.#runs.set(key, { settled, last, at, bytes });
    this.#newest.set(jobKey(settled), key);
    this.#isUnsorted ||= at < this.#lastAt;
    this.#lastAt = at;
  }

  get(named: { source: string; run: string }): RememberedRun | undefined {
    return this.#get(runKey(named));
  }

  /** A settled run of that job; without `run` the newest. */
  ended({ source, job, run }: { source: string; job: string; run?: string | undefined }): RememberedRun | undefined {
    const known = this.#get(run === undefined ? this.#newest.get(jobKey({ source, job })) : runKey({ source, run }));
    return known?.settled.job === job ? known : undefined;
  }

  /** The newest settlements that the log shows and `wants` accepts, in order of age, the oldest first. */
  list(wants: (source: string, job: string) => boolean, limit: number): SettledRun[] {
    this.#expire();
    const found: SettledRun[] = [];
    const all = [...this.#runs.values()];
    for (let at = all.length - 1; at >= 0 && found.length < limit; at--) {
      const settled = all[at]?.settled;
      if (settled && settled.cursor !== '' && wants(settled.source, settled.job)) found.push(settled);
    }
    return found.reverse();
  }

  #get(key = ''): RememberedRun | undefined {
    this.#expire();
    const known = this.#runs.get(key);
    return known && { settled: known.settled, job: viewRun(known.last) };
  }

  #sort(): void {
    if (!this.#isUnsorted) return;
    const sorted = [...this.#runs].sort(([, one], [, other]) => one.at - other.at);
    this.#runs.clear();
    for (const [key, each] of sorted) this.#runs.set(key, each);
    this.#lastAt = sorted.at(-1)?.[1].at ?? Number.NEGATIVE_INFINITY;
    this.#isUnsorted = false;
  }

  #expire(): void {
    this.#sort();
    const horizon = this.#clock.now() - this.#limits.ageMs;
    for (const [key, { at, settled, bytes }] of this.#runs) {
      if (this.#runs.size <= this.#limits.count && this.#bytes <= this.#limits.bytes && at >= horizon) return;
      if (at >= horizon) this.#evicted();
      this.#runs.delete(key);
      this.#bytes -= bytes;
      if (this.#newest.get(jobKey(settled)) === key) this.#newest.delete(jobKey(settled));
    }
  }
}

// No source name contains a space.
const runKey = ({ source, run }: { source: string; run: string }): string => `${source} ${run}`;
const jobKey = ({ source, job }: { source: string; job: string }): string => `${source} ${job}`;
