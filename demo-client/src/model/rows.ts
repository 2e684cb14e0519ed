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
import { type Attention, attentionOf, GRAVITY } from './attention.js';
import { etaOf, rateOf, type Trail } from './pace.js';
import { noteOf, settlementOf } from './past.js';

export interface Row {
  run: string;
  source: string;
  job: string;
  type: JobType | null;
  /** A live job's status, or how it ended. */
  state: JobStatus | Outcome;
  share: number | undefined;
  rate: number | undefined;
  etaMs: number | undefined;
  attention: Attention | undefined;
  live: boolean;
  /**
   * How the end of a run is known, its time (milliseconds; 0 if QEMU did not know it), how long it took (`null`: not known), and its error or who asked.
   */
  ended: { provenance: Provenance; at: number; tookMs: number | null; note: string } | undefined;
  /** Source and job in natural order. */
  key: string;
}

export type View = 'active' | 'ended' | 'all';
export type SortKey = 'attention' | 'job' | 'type' | 'progress' | 'rate' | 'eta' | 'state';
export interface Sort {
  by: SortKey;
  down: boolean;
}

export interface Paces {
  trails: ReadonlyMap<string, Trail>;
  /** Whether a source's figures are current. */
  isCurrent(source: string): boolean;
  /** Milliseconds since 1970. */
  now: number;
}

export function rowsOf(
  table: JobTable,
  paces: Paces,
  view: View,
  unseen: ReadonlyMap<string, SettledRun> = new Map(),
  past: ReadonlyMap<string, HistoryRun> = new Map(),
): Row[] {
  const rows: Row[] = [];
  if (view !== 'ended')
    for (const job of table.jobs.values())
      rows.push(liveRow(job, paceOf(job, paces), table.settled.get(job.run), past.get(job.run)));
  if (view === 'active') return rows;
  for (const end of table.settled.values()) if (!table.jobs.has(end.run)) rows.push(endedRow(end, past.get(end.run)));
  for (const end of unseen.values()) if (!past.has(end.run)) rows.push(endedRow(end));
  for (const each of past.values())
    if (!table.jobs.has(each.run) && !table.settled.has(each.run)) rows.push(endedRow(settlementOf(each), each));
  return rows;
}

/** Units per second of a running job, where it is known now. */
export function paceOf({ source, run, status }: Job, { trails, isCurrent, now }: Paces): number | undefined {
  const trail = trails.get(run);
  return status === 'running' && trail && isCurrent(source) ? rateOf(trail, now) : undefined;
}

/** @param end the settlement of a run that has ended and still occupies its id: `updated` is then the time of its figures, which a query renews. */
function liveRow(job: Job, rate: number | undefined, end: SettledRun | undefined, past?: HistoryRun): Row {
  const { source, job: id, run, type } = job;
  const endedAt = Date.parse(end ? (end.time ?? '') : job.updated) || 0;
  return {
    ...{ run, source, job: id, type, rate, live: !job.settled },
    state: job.settled?.outcome ?? job.status,
    ended: job.settled && endOf(job.settled, endedAt, past),
    share: shareDone(job),
    etaMs: etaOf(Number(job.len), Number(job.offset), rate),
    attention: attentionOf(job),
    key: natural(source, id),
  };
}

/** Not an error, but the job ended without a request through this page or unobserved: the user must check before deleting the copy. */
const UNCLEAR: Attention = { mark: 'unclear', label: 'Pivot unknown', advice: describePivot('unknown') };

function endOf(settled: Settlement, at: number, past: HistoryRun | undefined): Row['ended'] {
  return { provenance: settled.provenance, at, tookMs: past?.durationMs ?? null, note: noteOf(settled) };
}

function endedRow({ source, job, run, time, settled }: SettledRun, past?: HistoryRun): Row {
  const { type, outcome, pivoted, len, offset } = settled;
  return {
    ...{ run, source, job, type, live: false, state: outcome, rate: undefined, etaMs: undefined },
    attention: pivoted === 'unknown' ? UNCLEAR : undefined,
    ended: endOf(settled, Date.parse(time ?? '') || 0, past),
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

/** All words must match; `source:`, `job:`, `type:` and `is:` search one field, a bare word all of them. */
export function matcher(text: string): (row: Row) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  const tests = words.map((word) => {
    const [, field, value = ''] = /^(source|job|type|is):(.*)$/.exec(word) ?? [];
    const has = (hay: string | null | undefined, needle: string): boolean => (hay ?? '').toLowerCase().includes(needle);
    const isState = (row: Row, needle: string): boolean =>
      has(row.state, needle) || has(row.attention?.label, needle) || has(row.attention?.mark, needle);
    switch (field as 'source' | 'job' | 'type' | 'is' | undefined) {
      case 'source':
        return (row: Row) => has(row.source, value);
      case 'job':
        return (row: Row) => has(row.job, value);
      case 'type':
        return (row: Row) => has(row.type, value);
      case 'is':
        return (row: Row) => isState(row, value) || (value === 'attention' && row.attention !== undefined);
      default:
        return (row: Row) => has(row.source, word) || has(row.job, word) || has(row.type, word) || isState(row, word);
    }
  });
  return (row) => tests.every((test) => test(row));
}

/** Rows without a figure are last in both directions; equal ones are in natural order. */
export function sortRows(rows: readonly Row[], { by, down }: Sort): Row[] {
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [sortValue(a, by), sortValue(b, by)];
    if (x !== y) {
      if (x === undefined) return 1;
      if (y === undefined) return -1;
      return x < y ? -sign : sign;
    }
    return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
  });
}

function sortValue(row: Row, by: SortKey): string | number | undefined {
  switch (by) {
    case 'attention':
      return row.attention ? GRAVITY[row.attention.mark] : 9;
    case 'job':
      return row.key;
    case 'type':
      return row.type ?? undefined;
    case 'progress':
      return row.share;
    case 'rate':
      return row.ended ? (row.ended.tookMs ?? undefined) : row.rate;
    case 'eta':
      return row.ended ? row.ended.at : row.etaMs;
    case 'state':
      return row.state;
  }
}
