// The runs of sources that other gateways own, folded from a log that all share: what clients see of them. It decides nothing.
import { Subject } from 'rxjs';
import type { Clock } from '../../clock.js';
import type { EntryDraft } from '../../protocol/draft.js';
import { Projection } from '../../protocol/projection.js';
import { formatMicros, type Micros } from '../../protocol/time.js';
import type { Cursor, Entry, Job, JobRef, Progress, SettledRun, SourceInfo } from '../../protocol/types.js';
import { runNamed } from '../model/job-name.js';
import { isActive, type Run, viewRun } from '../model/run.js';
import { isSourceInfo } from '../model/run-form.js';
import { Restoration } from './restoration.js';
import type { Ended } from './run-store.js';
import { SettlementHistory, type SettlementLimits } from './settlement-history.js';

export class FollowedRuns {
  readonly #clock: Clock;
  readonly #limits: Partial<SettlementLimits>;
  readonly #sources = new Map<string, Restoration>();
  readonly #endings$ = new Subject<Ended>();
  readonly #measuring$ = new Subject<Progress[]>();
  /** The newest measures of live runs, by source and run. */
  readonly #measures = new Map<string, { row: Progress; updated: string }>();
  #settlements: SettlementHistory;
  /** Runs that were known as settled before the log was read anew, by source; `undefined`: it was read once. */
  #knownBefore: ReadonlySet<string> | undefined;
  #isFilled = false;
  /** The sources as clients' own projections have them. */
  #projection = new Projection('');

  readonly ended$ = this.#endings$.asObservable();
  readonly progress$ = this.#measuring$.asObservable();

  constructor(clock: Clock, limits: Partial<SettlementLimits> = {}) {
    this.#clock = clock;
    this.#limits = limits;
    this.#settlements = new SettlementHistory(clock, limits);
  }

  /** The whole log follows: at the start, and again where the edge has missed something, or the log is another. */
  clear(epoch: string): void {
    if (this.#isFilled) this.#knownBefore = new Set(this.#settlements.all().map(({ settled }) => keyOf(settled)));
    this.#isFilled = true;
    this.#sources.clear();
    this.#measures.clear();
    this.#projection = new Projection(epoch);
    this.#settlements = new SettlementHistory(this.#clock, this.#limits);
  }

  /** The state of a source, in place of what was known of it. @param lines of a checkpoint. @param owner the member that has it. */
  restore(source: string, lines: readonly string[], owner: string | undefined): void {
    const state = this.#open(source);
    for (const line of lines) state.line(line);
    const [restored] = state.sources;
    if (restored?.info)
      this.#projection.sources.set(source, { ...restored.info, ...(owner !== undefined && { owner }) });
  }

  entry(draft: EntryDraft, cursor: Cursor): void {
    const { source, type, time, job, data } = draft;
    const state = this.#sources.get(source) ?? this.#open(source);
    if (type === 'GATEWAY_SOURCE_REMOVED') this.#sources.delete(source);
    else state.apply({ cursor, source, type, time, job, data });
    if (type.startsWith('GATEWAY_SOURCE_') && !draft.internal) this.#applyToSource(entryOf(draft));
  }

  /** @throws where its owner, which may have been taken, has written what is none; the source is shown as before. */
  #applyToSource(entry: Entry): void {
    const { sources } = this.#projection;
    const before = sources.get(entry.source);
    this.#projection.apply(entry);
    const after = sources.get(entry.source);
    if (!after || isSourceInfo(after)) return;
    if (before) sources.set(entry.source, before);
    else sources.delete(entry.source);
    throw new Error(`${entry.type} has not its form`);
  }

  /** New measures of live runs, which are no entries. */
  measured(rows: readonly Progress[]): void {
    const live = rows.filter(({ source, job, run }) => this.isLive(source, job, run));
    const updated = formatMicros(Math.round(this.#clock.date() * 1_000));
    for (const row of live) this.#measures.set(keyOf(row), { row, updated });
    if (live.length > 0) this.#measuring$.next(live);
  }

  /** By name, so that every gateway lists them in the same order. */
  sources(): SourceInfo[] {
    return [...this.#projection.sources.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  source(name: string): SourceInfo | undefined {
    return this.#projection.sources.get(name);
  }

  jobs(wants: (source: string) => boolean): Job[] {
    const jobs: Job[] = [];
    for (const [name, state] of this.#sources)
      if (wants(name))
        for (const run of (state.runsOf(name) ?? NO_RUNS).values())
          if (!(run.settled && run.unobserved)) jobs.push(this.#view(run));
    return jobs;
  }

  settled(): SettledRun[] {
    return this.#settlements.list(() => true, Number.POSITIVE_INFINITY);
  }

  /** Settlements that are known, the oldest first. */
  all(): readonly Ended[] {
    return this.#settlements.all();
  }

  isLive(source: string, job: string, run: string): boolean {
    const present = this.#present(source, job);
    return present?.run === run && isActive(present);
  }

  /** When the present run of the job began, by QEMU's clock. */
  startOf(source: string, job: string): Micros | undefined {
    return this.#present(source, job)?.began.time ?? undefined;
  }

  close(): void {
    this.#endings$.complete();
    this.#measuring$.complete();
  }

  #present(source: string, job: string): Run | undefined {
    const runs = this.#sources.get(source)?.runsOf(source);
    return runs && runNamed(runs, job);
  }

  #view(run: Run): Job {
    const job = viewRun(run);
    const measured = isActive(run) ? this.#measures.get(keyOf(run)) : undefined;
    if (!measured) return job;
    const { len, offset, speed } = measured.row;
    return { ...job, len, offset, speed, updated: measured.updated };
  }

  #open(source: string): Restoration {
    const state = new Restoration(source, (ended, isNew) => this.#settle(ended, isNew));
    this.#sources.set(source, state);
    return state;
  }

  #settle(ended: Ended, isNew: boolean): void {
    this.#measures.delete(keyOf(ended.settled));
    if (this.#settlements.has(ended.settled)) return;
    this.#settlements.restore(ended);
    // A run that ended meanwhile may be in a checkpoint alone, and the entry of an end that `ended$` has had may come again.
    const isUntold = this.#knownBefore ? !this.#knownBefore.has(keyOf(ended.settled)) : isNew;
    if (isUntold) this.#endings$.next(ended);
  }
}

const keyOf = ({ source, run }: { source: string; run: string }): string => `${source} ${run}`;

const NO_RUNS: ReadonlyMap<string, Run> = new Map();

/** As clients have it. */
function entryOf({ source, type, time, job, data }: EntryDraft): Entry {
  return {
    offset: 0,
    source,
    type,
    time: time === null ? null : formatMicros(time),
    ...(job && { job: job as JobRef }),
    data,
  };
}
