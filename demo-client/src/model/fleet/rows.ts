// The rows of the table of all jobs, filtered and sorted. Pure.
import type { JobTable } from 'qmp-gateway/client';
import {
  describePivot,
  type HistoryRun,
  type Job,
  type JobStatus,
  type JobType,
  type Outcome,
  type Provenance,
  type SettledRun,
  type Settlement,
  shareDone,
} from 'qmp-gateway/protocol';
import { noteOf, settlementOf } from '../run/past.js';
import { type Attention, attentionOf } from './attention.js';
import type { Tab } from './columns.js';
import { etaOf, rateOf, type Trail } from './pace.js';

export interface Row {
  run: string;
  source: string;
  job: string;
  type: JobType | null;
  /** A live job's status, or how it ended. */
  state: JobStatus | Outcome;
  share: number | undefined;
  /** Its length, in the unit of its type; `undefined`: not known. */
  len: number | undefined;
  rate: number | undefined;
  etaMs: number | undefined;
  attention: Attention | undefined;
  live: boolean;
  /** Cursor of the entry that began it. */
  began: string | undefined;
  start: Start | undefined;
  /**
   * How the end of a run is known, its time (milliseconds; 0 if QEMU did not know it), how long it took (`null`: not known), and its error or who asked.
   */
  ended: { provenance: Provenance; at: number; tookMs: number | null; note: string } | undefined;
  /** Source and job in natural order. */
  key: string;
}

/** When a run began, in milliseconds since 1970. */
export interface Start {
  at: number;
  /** The gateway found it already there, so it began earlier. */
  wasFound: boolean;
}

export interface Paces {
  trails: ReadonlyMap<string, Trail>;
  /** Whether a source's figures are current. */
  isCurrent(source: string): boolean;
  /** Of live runs, by run, where it is known. */
  starts: ReadonlyMap<string, Start>;
  /** Milliseconds since 1970. */
  now: number;
}

/** @param book keeps the rows between calls; without it all are made anew. */
export function rowsOf(
  table: JobTable,
  paces: Paces,
  tab: Tab,
  unseen: ReadonlyMap<string, SettledRun> = new Map(),
  past: ReadonlyMap<string, HistoryRun> = new Map(),
  book: RowBook = new RowBook(),
): Row[] {
  const rows: Row[] = [];
  if (tab !== 'ended')
    for (const job of table.jobs.values())
      rows.push(book.live(job, paces, table.settled.get(job.run), past.get(job.run)));
  if (tab === 'active') return rows;
  for (const end of table.settled.values())
    if (!table.jobs.has(end.run)) rows.push(book.ended(end, past.get(end.run), paces.starts.get(end.run)));
  for (const end of unseen.values()) if (!past.has(end.run)) rows.push(book.ended(end));
  for (const each of past.values())
    if (!table.jobs.has(each.run) && !table.settled.has(each.run)) rows.push(book.past(each));
  return rows;
}

/** Units per second of a running job, where it is known now. */
export function paceOf(
  { source, run, status }: Job,
  { trails, isCurrent, now }: Pick<Paces, 'trails' | 'isCurrent' | 'now'>,
): number | undefined {
  const trail = trails.get(run);
  return status === 'running' && trail && isCurrent(source) ? rateOf(trail, now) : undefined;
}

/** A row, and what it was made from. */
interface Page {
  row: Row;
  job: Job | undefined;
  end: SettledRun | undefined;
  past: HistoryRun | undefined;
  start: Start | undefined;
  rate: number | undefined;
}

/** Rows by run. One of the same inputs is the same object, so that who sorts and filters them sees what has changed. */
export class RowBook {
  readonly #pages = new Map<string, Page>();

  live(job: Job, paces: Paces, end: SettledRun | undefined, past: HistoryRun | undefined): Row {
    const start = paces.starts.get(job.run);
    const rate = paceOf(job, paces);
    const known = this.#pages.get(job.run);
    if (known && known.job === job && known.rate === rate && known.start === start && known.end === end)
      if (known.past === past) return known.row;
    return this.#keep({ row: liveRow(job, rate, paces, end, past), job, end, past, start, rate });
  }

  ended(end: SettledRun, past?: HistoryRun, start?: Start): Row {
    const known = this.#pages.get(end.run);
    if (known && !known.job && known.end === end && known.past === past && known.start === start) return known.row;
    const row = endedRow(end, past, start);
    return this.#keep({ row, job: undefined, end, past, start, rate: undefined });
  }

  past(past: HistoryRun): Row {
    const known = this.#pages.get(past.run);
    if (known && !known.job && !known.end && known.past === past) return known.row;
    const row = endedRow(settlementOf(past), past);
    return this.#keep({ row, job: undefined, end: undefined, past, start: undefined, rate: undefined });
  }

  /** Forgets runs that are no more, now and then. */
  keep(rows: readonly Row[]): void {
    if (this.#pages.size < rows.length + SPARE) return;
    const kept = new Set(rows.map(({ run }) => run));
    for (const run of this.#pages.keys()) if (!kept.has(run)) this.#pages.delete(run);
  }

  #keep(page: Page): Row {
    this.#pages.set(page.row.run, page);
    return page.row;
  }
}

/** Rows that are kept although they are not shown. */
const SPARE = 1_000;

/** @param end the settlement of a run that has ended and still occupies its id: `updated` is then the time of its figures, which a query renews. */
function liveRow(
  job: Job,
  rate: number | undefined,
  paces: Paces,
  end: SettledRun | undefined,
  past?: HistoryRun,
): Row {
  const { source, job: id, run, type, began } = job;
  const start = startOf(past) ?? paces.starts.get(run);
  const endedAt = Date.parse(end ? (end.time ?? '') : job.updated) || 0;
  return {
    ...{ run, source, job: id, type, rate, live: !job.settled, began, start },
    state: job.settled?.outcome ?? job.status,
    ended: job.settled && endOf(job.settled, endedAt, past?.durationMs ?? spanOf(start, endedAt)),
    share: shareDone(job),
    len: Number(job.len) || undefined,
    etaMs: etaOf(Number(job.len), Number(job.offset), rate),
    attention: attentionOf(job),
    key: natural(source, id),
  };
}

/** Not an error, but the job ended without a request through this page or unobserved: the user must check before deleting the copy. */
const UNCLEAR: Attention = { mark: 'unclear', label: 'Pivot unknown', advice: describePivot('unknown') };

function endOf(settled: Settlement, at: number, tookMs: number | null): Row['ended'] {
  return { provenance: settled.provenance, at, tookMs, note: noteOf(settled) };
}

function startOf(past: HistoryRun | undefined): Start | undefined {
  const at = Date.parse(past?.start ?? '');
  return Number.isNaN(at) ? undefined : { at, wasFound: false };
}

const spanOf = (start: Start | undefined, end: number): number | null =>
  start && !start.wasFound && end > 0 ? Math.max(0, end - start.at) : null;

function endedRow({ source, job, run, time, settled }: SettledRun, past?: HistoryRun, seen?: Start): Row {
  const { type, outcome, pivoted, len, offset, began } = settled;
  const at = Date.parse(time ?? '') || 0;
  const start = startOf(past) ?? seen;
  return {
    ...{ run, source, job, type, live: false, state: outcome, rate: undefined, etaMs: undefined, began },
    start,
    attention: pivoted === 'unknown' ? UNCLEAR : undefined,
    ended: endOf(settled, at, past?.durationMs ?? spanOf(start, at)),
    len: Number(len ?? 0) || undefined,
    share: len === null || offset === null ? undefined : shareDone({ len, offset }),
    key: natural(source, job),
  };
}

const keys = new Map<string, string>();

/** Natural order: drive2 before drive10. Cached, as 10,000 rows are sorted every second. */
function natural(source: string, job: string): string {
  const name = `${source}\u0000${job}`;
  let key = keys.get(name);
  if (key === undefined) {
    if (keys.size > 50_000) keys.clear();
    key = name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(16, '0'));
    keys.set(name, key);
  }
  return key;
}
