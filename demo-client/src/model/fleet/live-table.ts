// The jobs as they are now, folded in place, and which runs have changed from one drawn frame to the next. Pure.
import type { Cut, JobTable } from 'qmp-gateway/client';
import {
  type Cursor,
  type Entry,
  epochOf,
  type Job,
  type Progress,
  Projection,
  type RunId,
  type SettledRun,
  SNAPSHOT_SETTLED,
} from 'qmp-gateway/protocol';
import { attentionOf } from './attention.js';
import { needsPerson } from './needs.js';

/** A run as it was in the frame before; both are missing where it was not known. */
export interface Was {
  job: Job | undefined;
  end: SettledRun | undefined;
}

export interface Tally {
  /** Jobs that have not ended. */
  active: number;
  /** Stopped by an error, or waiting for a decision. */
  needing: number;
  ready: number;
}

/**
 * The table at one drawn frame. Each frame is another object over the same maps, which go on changing: who compares two frames reads `changed`, and who
 * keeps an older state copies it.
 */
export interface Frame extends JobTable {
  /** Frames are numbered from 1; who has not seen the one before cannot use `changed`. */
  readonly seq: number;
  /** `cursor` of the frame before. */
  readonly since: Cursor | undefined;
  /** The runs that have changed since the frame before. After a snapshot: all of both. Of those with new figures alone some may come with a later frame. */
  readonly changed: ReadonlyMap<RunId, Was>;
  readonly tally: Readonly<Tally>;
  /** Jobs of each source that has some. */
  readonly jobsOf: ReadonlyMap<string, number>;
  /** Settlements since the page was opened. */
  readonly ends: number;
}

/** Runs with new figures alone in one frame, at most. The figures of all jobs come at once, and drawing all of them would keep a key waiting. */
export const FIGURES_A_FRAME = 500;

export class LiveTable implements JobTable {
  #cursor: Cursor = '';
  #projection = new Projection('');
  #changed = new Map<RunId, Was>();
  /** Runs of which nothing but figures has changed. */
  readonly #measured = new Map<RunId, Was>();
  #frame: Frame | undefined;
  readonly #tally: Tally = { active: 0, needing: 0, ready: 0 };
  readonly #jobsOf = new Map<string, number>();
  #ends = 0;

  constructor(cut: Cut) {
    this.reset(cut);
  }

  get cursor(): Cursor {
    return this.#cursor;
  }
  get jobs(): ReadonlyMap<RunId, Job> {
    return this.#projection.jobs;
  }
  get settled(): ReadonlyMap<RunId, SettledRun> {
    return this.#projection.settled;
  }
  get sources(): JobTable['sources'] {
    return this.#projection.sources;
  }
  /** The last frame had not all that has changed; one more is due. */
  get hasMore(): boolean {
    return this.#measured.size > 0;
  }

  /** A snapshot takes the place of what was known. The maps of before are left as they are. */
  reset({ cursor, jobs, settled, sources }: Cut): void {
    this.touch([...this.jobs.keys(), ...this.settled.keys()]);
    for (const { run } of [...jobs, ...settled]) this.#mark(run);
    this.#cursor = cursor;
    this.#projection = new Projection(epochOf(cursor) ?? '', {
      jobs: new Map(jobs.map((job) => [job.run, job])),
      settled: new Map(settled.map((end) => [end.run, end])),
      sources: new Map(sources.map((source) => [source.name, source])),
    });
  }

  apply(entries: readonly Entry[], cursor: Cursor): void {
    // The state of a source says whether the figures of its jobs are current.
    const sources = new Set(
      entries.filter(({ type }) => type.startsWith('GATEWAY_SOURCE_')).map(({ source }) => source),
    );
    if (sources.size > 0) for (const { run, source } of this.jobs.values()) if (sources.has(source)) this.#mark(run);
    for (const entry of entries) {
      if (entry.job) this.#mark(entry.job.run);
      // The next settlement takes the place of the oldest one.
      if (this.settled.size >= SNAPSHOT_SETTLED) this.#mark(this.settled.keys().next().value ?? '');
      this.#projection.apply(entry);
    }
    this.#cursor = cursor;
  }

  /** @param at ISO 8601. */
  measure(rows: readonly Progress[], at: string): void {
    for (const { run } of rows) {
      if (!this.#changed.has(run) && !this.#measured.has(run)) this.#measured.set(run, this.#now(run));
    }
    this.#projection.measure(rows, at);
  }

  /** Members that no event has. `status` is kept: only entries change it. */
  detail(jobs: readonly Job[]): void {
    for (const { run, type, speed, autoFinalize, autoDismiss } of jobs) {
      const job = this.jobs.get(run);
      if (!job) continue;
      this.#mark(run);
      this.#projection.jobs.set(run, {
        ...{ ...job, type, speed },
        ...(autoFinalize !== undefined && { autoFinalize }),
        ...(autoDismiss !== undefined && { autoDismiss }),
      });
    }
  }

  /** Something about these runs that is not in the table has changed. */
  touch(runs: Iterable<RunId>): void {
    for (const run of runs) this.#mark(run);
  }

  /** The frame to draw; the same one as before where nothing has changed. */
  frame(): Frame {
    const before = this.#frame;
    this.#takeFigures();
    if (before?.cursor === this.cursor && this.#changed.size === 0) return before;
    for (const [run, was] of this.#changed) {
      this.#count(was.job, -1);
      this.#count(this.jobs.get(run), 1);
      if (!was.end && this.settled.has(run)) this.#ends += 1;
    }
    const { cursor, jobs, settled, sources } = this;
    const figures = { tally: { ...this.#tally }, jobsOf: this.#jobsOf, ends: this.#ends };
    const place = { seq: (before?.seq ?? 0) + 1, since: before?.cursor, changed: this.#changed };
    this.#frame = { cursor, jobs, settled, sources, ...place, ...figures };
    this.#changed = new Map();
    return this.#frame;
  }

  /** Those that have waited longest. */
  #takeFigures(): void {
    let left = FIGURES_A_FRAME;
    for (const [run, was] of this.#measured) {
      if (left === 0) return;
      left -= 1;
      this.#measured.delete(run);
      this.#changed.set(run, was);
    }
  }

  #mark(run: RunId): void {
    if (this.#changed.has(run)) return;
    this.#changed.set(run, this.#measured.get(run) ?? this.#now(run));
    this.#measured.delete(run);
  }

  #now(run: RunId): Was {
    return { job: this.jobs.get(run), end: this.settled.get(run) };
  }

  #count(job: Job | undefined, by: 1 | -1): void {
    if (!job) return;
    if (!job.settled) this.#tally.active += by;
    if (needsPerson(job)) this.#tally.needing += by;
    if (attentionOf(job)?.mark === 'ready') this.#tally.ready += by;
    const count = (this.#jobsOf.get(job.source) ?? 0) + by;
    if (count === 0) this.#jobsOf.delete(job.source);
    else this.#jobsOf.set(job.source, count);
  }
}
