// All sources together: one view of every run as the log shows it, and of what has ended.
import type { Clock } from '../../clock.js';
import type { Job, SettledRun, SourceInfo } from '../../protocol/types.js';
import { runNamed } from '../model/job-name.js';
import { isActive, viewRun } from '../model/run.js';
import { saveState } from './saved-state.js';
import { SettlementHistory, type SettlementLimits } from './settlement-history.js';
import type { SourceTracker } from './source-tracker.js';

export class SourceRegistry {
  readonly history: SettlementHistory;
  readonly #clock: Clock;
  readonly #trackers = new Map<string, SourceTracker>();

  /** @param evicted called for each settlement that is removed before its time. */
  constructor(clock: Clock, limits: Partial<SettlementLimits> = {}, evicted: () => void = () => undefined) {
    this.#clock = clock;
    this.history = new SettlementHistory(clock, limits, evicted);
  }

  add(tracker: SourceTracker): void {
    this.#trackers.set(tracker.name, tracker);
  }

  delete(tracker: SourceTracker): void {
    if (this.#trackers.get(tracker.name) === tracker) this.#trackers.delete(tracker.name);
  }

  get(source: string): SourceTracker | undefined {
    return this.#trackers.get(source);
  }

  /** Its state as the log shows it, as lines for a restart: of all sources, or of one. */
  save(source?: string): Iterable<string> {
    if (source === undefined) return saveState(this.#trackers.values(), this.history.all());
    const tracker = this.#trackers.get(source);
    const settled = this.history.all().filter((ended) => ended.settled.source === source);
    return saveState(tracker ? [tracker] : [], settled);
  }

  get sources(): SourceInfo[] {
    return [...this.#trackers.values()].map(({ info }) => info);
  }

  /** Present jobs of the sources that `wants` accepts, with concluded ones that still occupy their id. */
  jobs(wants: (source: string) => boolean = () => true): Job[] {
    const jobs: Job[] = [];
    for (const tracker of this.#trackers.values())
      if (wants(tracker.name))
        // While a source is not connected its settled jobs may have freed their ids: GATEWAY_SOURCE_DOWN removes them from clients' tables,
        // GATEWAY_JOB_FOUND brings them back.
        for (const run of tracker.shownRuns) if (!(run.settled && run.unobserved)) jobs.push(viewRun(run));
    return jobs;
  }

  isLive(source: string, job: string, run: string): boolean {
    const tracker = this.#trackers.get(source);
    const present = tracker && runNamed(tracker.runs, job);
    const live = present && tracker.shownRun(present.id);
    return live?.run === run && isActive(live);
  }

  /** Milliseconds since 1970 at which the present run of the job began, by QEMU's clock. */
  startOf(source: string, job: string): number | undefined {
    const tracker = this.#trackers.get(source);
    const micros = tracker && runNamed(tracker.runs, job)?.began.time;
    return micros === undefined || micros === null ? undefined : micros / 1_000;
  }

  /**
   * Resolves when the measures of the live jobs of these sources are at most `maxAgeMs` old, or after `waitMs`. A query under way is shared, and a
   * stalled source not awaited. `undefined`: a query would renew nothing.
   */
  freshen(wants: (source: string) => boolean, maxAgeMs: number, waitMs: number): Promise<void> | undefined {
    const queries: Promise<unknown>[] = [];
    for (const tracker of this.#trackers.values())
      if (wants(tracker.name) && tracker.isOlderThan(maxAgeMs)) queries.push(tracker.poll());
    if (queries.length === 0) return undefined;
    return new Promise((resolve) => {
      const stop = this.#clock.after(waitMs, resolve);
      void Promise.all(queries).then(() => {
        stop();
        resolve();
      });
    });
  }

  /** The gateway is closing: runs that await the proof of a pivot are settled without it. */
  conclude(): void {
    for (const tracker of this.#trackers.values()) tracker.conclude();
  }

  /** The newest settlements of the last 24 h, in order of age, the oldest first. */
  settled(wants: (source: string, job: string) => boolean, limit: number): SettledRun[] {
    return this.history.list(wants, limit);
  }
}
