// The present jobs and settlements as one consistent cut with a cursor, as JSON in pages below the limit. Shared by all subscriptions of a filter
// that begin in the same turn.

import type { Clock } from '../../clock.js';
import { LIMITS, SNAPSHOT_SETTLED } from '../../protocol/limits.js';
import type { Cursor, SettledRun } from '../../protocol/types.js';
import type { ViewPort } from '../ports.js';
import type { SharedFrame } from '../wire/frame.js';
import type { CompiledFilter } from './filter.js';

export interface Snapshot {
  cursor: Cursor;
  sources: string;
  /** JSON arrays; one page fits a reply, more are sent as `snapshot` notifications. */
  pages: SnapshotPage[];
  /** Made when they are needed: the end of a `subscribe` reply, and each `reset`. */
  answer?: SharedFrame;
  resets: Map<string, SharedFrame>;
}

export interface SnapshotPage {
  jobs: string;
  settled: string;
  /** Its `snapshot` notification, made when it is needed. */
  frame?: SharedFrame;
}

/** Which runs a filter matches, by `run`; computed over several turns before the cut. */
interface Preparation {
  judged: Map<string, boolean>;
  steps: Iterator<void>;
  begunAt: number;
}

/** Characters of globs up to which a filter is compared with every run in one turn: some milliseconds for 10,000 runs. */
const CHEAP_GLOBS = 64;
/** Milliseconds of one step of a preparation. */
const STEP_MS = 3;
/** Number of preparations under way, and milliseconds after which one is abandoned: the client that caused it may have gone. */
const MAX_PREPARATIONS = 256;
const PREPARATION_MS = 10_000;

export class Snapshots {
  readonly #view: ViewPort;
  readonly #clock: Clock;
  readonly #cache = new Map<string, Snapshot>();
  readonly #preparations = new Map<string, Preparation>();
  /** JSON of settlements and sources, made once for each object: neither is ever changed in place. */
  readonly #texts = new WeakMap<object, string>();

  constructor(view: ViewPort, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
  }

  /** Compares a slow filter with all runs, one step a call. `true`: {@link take} will be quick. */
  prepare(filter: CompiledFilter): boolean {
    if (filter.wildLength <= CHEAP_GLOBS) return true;
    let preparation = this.#preparations.get(filter.id);
    const now = this.#clock.now();
    if (!preparation || now - preparation.begunAt > PREPARATION_MS) {
      if (this.#preparations.size >= MAX_PREPARATIONS) this.#preparations.clear();
      const judged = new Map<string, boolean>();
      const steps = judge(filter, this.#runs(filter), judged, this.#clock);
      preparation = { judged, steps, begunAt: now };
      this.#preparations.set(filter.id, preparation);
    }
    return preparation.steps.next().done === true;
  }

  /** @param cursor that of the log's newest entry; the cut is made in this turn. */
  take(filter: CompiledFilter, cursor: Cursor): Snapshot {
    const judged = this.#preparations.get(filter.id)?.judged;
    this.#preparations.delete(filter.id);
    const cached = this.#cache.get(filter.id);
    if (cached?.cursor === cursor) return cached;
    // Measures change without a new cursor, so a cut is shared within one turn only.
    if (this.#cache.size === 0) this.#clock.soon(() => this.#cache.clear());
    const wants = ({ source, job, run }: Named): boolean => judged?.get(run) ?? filter.wantsJob(source, job);
    const jobs = this.#view.jobs(filter.wantsSource).filter(wants);
    const ended = this.#settled(wants).map((run) => this.#textOf(run));
    const pages = paginate(jobs.map(stringify), ended, LIMITS.snapshotPageBytes);
    const snapshot: Snapshot = { cursor, sources: this.sources(filter), pages, resets: new Map() };
    this.#cache.set(filter.id, snapshot);
    return snapshot;
  }

  sources(filter: CompiledFilter): string {
    const texts: string[] = [];
    for (const source of this.#view.sources()) if (filter.wantsSource(source.name)) texts.push(this.#textOf(source));
    return `[${texts.join(',')}]`;
  }

  /** The newest settlements that are wanted, oldest first. */
  #settled(wants: (run: Named) => boolean): SettledRun[] {
    const all = this.#view.settled();
    const found: SettledRun[] = [];
    for (let at = all.length - 1; at >= 0 && found.length < SNAPSHOT_SETTLED; at--) {
      const run = all[at];
      if (run && wants(run)) found.push(run);
    }
    return found.reverse();
  }

  *#runs(filter: CompiledFilter): Iterable<Named> {
    yield* this.#view.jobs(filter.wantsSource);
    yield* this.#view.settled();
  }

  #textOf(value: object): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const text = stringify(value);
    this.#texts.set(value, text);
    return text;
  }
}

interface Named {
  source: string;
  job: string;
  run: string;
}

/** Runs that are added after the last step are compared when the cut is made. */
function* judge(
  filter: CompiledFilter,
  runs: Iterable<Named>,
  judged: Map<string, boolean>,
  clock: Clock,
): Generator<void> {
  let due = clock.now() + STEP_MS;
  for (const { source, job, run } of runs) {
    judged.set(run, filter.wantsJob(source, job));
    if (clock.now() <= due) continue;
    yield;
    due = clock.now() + STEP_MS;
  }
}

const stringify = (value: unknown): string => JSON.stringify(value);

/** Fills each page as far as possible; there is at least one. Room for the message around a page is left free. */
export function paginate(jobs: readonly string[], settled: readonly string[], maxBytes: number): Snapshot['pages'] {
  const room = maxBytes - 1_024;
  const pages: Snapshot['pages'] = [];
  let page = { jobs: [] as string[], settled: [] as string[] };
  let bytes = 0;
  const put = (into: 'jobs' | 'settled', text: string): void => {
    const size = Buffer.byteLength(text) + 1;
    if (bytes + size > room && bytes > 0) {
      pages.push(join(page));
      page = { jobs: [], settled: [] };
      bytes = 0;
    }
    page[into].push(text);
    bytes += size;
  };
  for (const text of jobs) put('jobs', text);
  for (const text of settled) put('settled', text);
  pages.push(join(page));
  return pages;
}

function join({ jobs, settled }: { jobs: string[]; settled: string[] }): SnapshotPage {
  return { jobs: `[${jobs.join(',')}]`, settled: `[${settled.join(',')}]` };
}
