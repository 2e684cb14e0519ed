// The present as one consistent cut with a cursor. In: the view and a filter. Out: jobs and settlements as JSON, in pages below the
// limit, shared by everybody who joins in the same turn.
import { LIMITS, SNAPSHOT_SETTLED } from '../protocol/limits.js';
import type { Cursor } from '../protocol/types.js';
import type { CompiledFilter } from './filter.js';
import type { SharedFrame } from './frame.js';
import type { ViewPort } from './ports.js';

export interface Snapshot {
  cursor: Cursor;
  sources: string;
  /** JSON arrays; one page fits a reply, more are sent as `snapshot` notifications. */
  pages: SnapshotPage[];
  /** Made when somebody needs them: what the answer of `subscribe` ends with, and `reset`. */
  answer?: SharedFrame;
  reset?: SharedFrame;
}

export interface SnapshotPage {
  jobs: string;
  settled: string;
  /** Its notification, made when somebody needs it. */
  frame?: SharedFrame;
}

export class Snapshots {
  readonly #view: ViewPort;
  readonly #cache = new Map<string, Snapshot>();
  /** What has ended changes no more, and a source that changes is a new object: the text of each is made once. */
  readonly #texts = new WeakMap<object, string>();

  constructor(view: ViewPort) {
    this.#view = view;
  }

  /** @param cursor the log's newest; the cut is made in this turn. */
  take(filter: CompiledFilter, cursor: Cursor): Snapshot {
    const cached = this.#cache.get(filter.id);
    if (cached?.cursor === cursor) return cached;
    // Measures change without a cursor, so a cut is shared within one turn only.
    if (this.#cache.size === 0) setImmediate(() => this.#cache.clear());
    const jobs = this.#view.jobs(filter.wantsSource).filter((job) => filter.wantsJob(job.source, job.job));
    const settled = this.#view.settled((source, job) => filter.wantsJob(source, job), SNAPSHOT_SETTLED);
    const ended = settled.map((run) => this.#textOf(run));
    const pages = paginate(jobs.map(stringify), ended, LIMITS.snapshotPageBytes);
    const snapshot: Snapshot = { cursor, sources: this.sources(filter), pages };
    this.#cache.set(filter.id, snapshot);
    return snapshot;
  }

  sources(filter: CompiledFilter): string {
    const texts: string[] = [];
    for (const source of this.#view.sources()) if (filter.wantsSource(source.name)) texts.push(this.#textOf(source));
    return `[${texts.join(',')}]`;
  }

  #textOf(value: object): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const text = stringify(value);
    this.#texts.set(value, text);
    return text;
  }
}

const stringify = (value: unknown): string => JSON.stringify(value);

/** Greedy: as many as fit; always at least one page. The room that the frame around a page takes is kept free. */
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
