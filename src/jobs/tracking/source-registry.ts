// All sources together. In: their trackers. Out: one view of every run, and what has ended.
import { type Observable, Subject } from 'rxjs';
import type { Job, Progress, SettledRun, SourceInfo } from '../../protocol/types.js';
import { viewRun } from '../model/run.js';
import { type HistoryLimits, SettlementHistory } from './settlement-history.js';
import type { SourceTracker, TrackSignal } from './source-tracker.js';

export interface RegistrySignal {
  tracker: SourceTracker;
  signal: TrackSignal;
}

export class SourceRegistry {
  /** What happened to the runs of every source, in order. */
  readonly signals$: Observable<RegistrySignal>;
  /** Fresh measures of a source's live jobs, after each poll. */
  readonly progress$: Observable<Progress[]>;
  readonly memory: SettlementHistory;
  readonly #signals$ = new Subject<RegistrySignal>();
  readonly #progress$ = new Subject<Progress[]>();
  readonly #trackers = new Map<string, SourceTracker>();

  constructor(limits: Partial<HistoryLimits> = {}, now?: () => number) {
    this.memory = new SettlementHistory(limits, now);
    this.signals$ = this.#signals$.asObservable();
    this.progress$ = this.#progress$.asObservable();
  }

  /** The caller feeds the tracker and closes it; signals end with it. */
  add(tracker: SourceTracker): void {
    this.#trackers.set(tracker.name, tracker);
    tracker.progress$.subscribe({ next: (rows) => this.#progress$.next(rows) });
    tracker.signals$.subscribe({
      next: (signal) => {
        // Remembered before the signal goes on, so that a caller that asks because of it finds it.
        if (signal.kind === 'settled') this.memory.add(signal.settled, signal.job);
        this.#signals$.next({ tracker, signal });
      },
    });
  }

  get(source: string): SourceTracker | undefined {
    return this.#trackers.get(source);
  }

  get sources(): SourceInfo[] {
    return [...this.#trackers.values()].map(({ info }) => info);
  }

  /** Present jobs of the sources that `wants` accepts; concluded ones that still occupy their id included. */
  jobs(wants: (source: string) => boolean = () => true): Job[] {
    const jobs: Job[] = [];
    for (const tracker of this.#trackers.values())
      if (wants(tracker.name))
        // Of a source that is away, ended ones may have freed their id; GATEWAY_SOURCE_DOWN takes them out, FOUND brings them back.
        for (const run of tracker.runs.values()) if (!(run.settled && run.blind)) jobs.push(viewRun(run));
    return jobs;
  }

  isLive(source: string, job: string, run: string): boolean {
    const live = this.#trackers.get(source)?.runs.get(job);
    return live?.run === run && !live.settled && !live.end;
  }

  /**
   * Resolves when the measures of the live jobs of these sources are at most `maxAgeMs` old, or after `waitMs`; a query under way is shared, and
   * a stalled source not waited for. `undefined`: they are as fresh already as they can be.
   */
  freshen(wants: (source: string) => boolean, maxAgeMs: number, waitMs: number): Promise<void> | undefined {
    const queries: Promise<unknown>[] = [];
    for (const tracker of this.#trackers.values())
      if (wants(tracker.name) && tracker.isOlderThan(maxAgeMs)) queries.push(tracker.poll());
    if (queries.length === 0) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      void Promise.all(queries).then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** The gateway ends: runs that wait for the proof of a pivot are settled without it. */
  conclude(): void {
    for (const tracker of this.#trackers.values()) tracker.conclude();
  }

  /** The newest settlements of the last 24 h, oldest of them first. */
  settled(wants: (source: string, job: string) => boolean, limit: number): SettledRun[] {
    return this.memory.list(wants, limit);
  }
}
