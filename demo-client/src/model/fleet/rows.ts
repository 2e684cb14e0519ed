// The rows of the table of all jobs: one for each run. Pure.
import type { JobTable } from 'qmp-gateway/client';
import {
  describePivot,
  durationOf,
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

/** Never changes: where something about a run has changed, its row is another object. */
export interface Row {
  kind: 'row';
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

/** What the rows are made from. */
export interface Known {
  table: JobTable;
  paces: Paces;
  tab: Tab;
  /** Runs that ended unobserved, by run. */
  unseen: ReadonlyMap<string, SettledRun>;
  /** Runs of the gateway's history, by run. */
  past: ReadonlyMap<string, HistoryRun>;
}

export function rowsOf(known: Known): Row[] {
  const { table, tab, unseen, past } = known;
  const runs = new Set(tab === 'ended' ? [] : table.jobs.keys());
  if (tab !== 'active') for (const ends of [table.settled, unseen, past]) for (const run of ends.keys()) runs.add(run);
  return [...runs].flatMap((run) => rowOf(run, known) ?? []);
}

/** `undefined`: it is not of this tab, or not known. */
export function rowOf(run: string, { table, paces, tab, unseen, past }: Known): Row | undefined {
  const job = table.jobs.get(run);
  const record = past.get(run);
  const settled = table.settled.get(run);
  if (job) return tab === 'ended' ? undefined : liveRow(job, paces, settled, record);
  if (tab === 'active') return undefined;
  if (settled) return endedRow(settled, record, paces.starts.get(run));
  const end = record ? settlementOf(record) : unseen.get(run);
  return end && endedRow(end, record);
}

/** Units per second of a running job, where it is known now. */
export function paceOf(
  { source, run, status }: Job,
  { trails, isCurrent, now }: Pick<Paces, 'trails' | 'isCurrent' | 'now'>,
): number | undefined {
  const trail = trails.get(run);
  return status === 'running' && trail && isCurrent(source) ? rateOf(trail, now) : undefined;
}

/** @param end the settlement of a run that has ended and still occupies its id: `updated` is then the time of its figures, which a query renews. */
function liveRow(job: Job, paces: Paces, end: SettledRun | undefined, past: HistoryRun | undefined): Row {
  const rate = paceOf(job, paces);
  const { source, job: id, run, type, began } = job;
  const start = startOf(past) ?? paces.starts.get(run);
  const endedAt = Date.parse(end ? (end.time ?? '') : job.updated) || 0;
  return {
    kind: 'row',
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
  const { outcome, provenance } = settled;
  return { provenance, at, tookMs: durationOf({ durationMs: tookMs, outcome }) ?? null, note: noteOf(settled) };
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
    kind: 'row',
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
