// The job table. In: a snapshot, then events and progress in order. Out: the next table; the old one is never changed. Pure.
import { formatCursor } from '../protocol/cursor.js';
import type {
  Cursor,
  Entry,
  Job,
  JobStatus,
  KnownEntry,
  Progress,
  RunId,
  SettledRun,
  SourceInfo,
} from '../protocol/types.js';
import { epochOf } from './position.js';

/** What is known at `cursor`. `{source, job, run, status, settled}` are exact there, the other fields true at `updated`. */
export interface JobTable {
  readonly cursor: Cursor;
  /** Jobs that occupy an id, by run. A concluded one that waits for its dismissal is here with `settled`. */
  readonly jobs: ReadonlyMap<RunId, Job>;
  /** Runs that have ended, oldest first; the newest 1,000. */
  readonly settled: ReadonlyMap<RunId, SettledRun>;
  readonly sources: ReadonlyMap<string, SourceInfo>;
}

/** One consistent cut, as the server sends it. */
export interface Cut {
  cursor: Cursor;
  jobs: readonly Job[];
  settled: readonly SettledRun[];
  sources: readonly SourceInfo[];
}

/** A long-lived page must not collect settlements for ever. */
export const SETTLED_MAX = 1_000;

export function tableOf(cut: Cut): JobTable {
  return {
    cursor: cut.cursor,
    jobs: new Map(cut.jobs.map((job) => [job.run, job])),
    settled: new Map(cut.settled.slice(-SETTLED_MAX).map((run) => [run.run, run])),
    sources: new Map(cut.sources.map((source) => [source.name, source])),
  };
}

export function cutOf(table: JobTable): Cut {
  return {
    cursor: table.cursor,
    jobs: [...table.jobs.values()],
    settled: [...table.settled.values()],
    sources: [...table.sources.values()],
  };
}

interface Draft {
  epoch: string;
  jobs: Map<RunId, Job>;
  settled: Map<RunId, SettledRun>;
  sources: Map<string, SourceInfo>;
}

/**
 * The table after `events`, which must be all events of its filter between `table.cursor` and `cursor`.
 * A filter on `types` would withhold some: don't fold such a stream.
 */
export function foldEvents(table: JobTable, events: readonly Entry[], cursor: Cursor): JobTable {
  if (events.length === 0) return { ...table, cursor };
  const draft: Draft = {
    epoch: epochOf(cursor) ?? '',
    jobs: new Map(table.jobs),
    settled: new Map(table.settled),
    sources: new Map(table.sources),
  };
  for (const event of events) apply(draft, event as KnownEntry);
  for (const run of [...draft.settled.keys()].slice(0, Math.max(0, draft.settled.size - SETTLED_MAX)))
    draft.settled.delete(run);
  return { cursor, jobs: draft.jobs, settled: draft.settled, sources: draft.sources };
}

/** The table with fresher figures. `status` is left alone: it belongs to the log. `at` is ISO 8601. */
export function foldProgress(table: JobTable, rows: readonly Progress[], at: string): JobTable {
  const jobs = new Map(table.jobs);
  for (const { run, len, offset, speed } of rows) {
    const job = jobs.get(run);
    if (job && !job.settled) jobs.set(run, { ...job, len, offset, speed, updated: at });
  }
  return { ...table, jobs };
}

function apply(draft: Draft, event: KnownEntry): void {
  switch (event.type) {
    case 'JOB_STATUS_CHANGE':
      if (event.data.status === 'null') dismiss(draft, event);
      // `undefined` is QEMU's state before `created`; no query shows it.
      else if (event.data.status !== 'undefined') change(draft, event, { status: event.data.status });
      break;
    case 'GATEWAY_JOB_FOUND':
      change(draft, event, event.data, true);
      break;
    case 'BLOCK_JOB_READY':
    case 'BLOCK_JOB_COMPLETED':
    case 'BLOCK_JOB_CANCELLED': {
      const { device: _device, ...figures } = event.data;
      change(draft, event, figures);
      break;
    }
    case 'BLOCK_JOB_PENDING':
      change(draft, event, { type: event.data.type });
      break;
    case 'GATEWAY_JOB_ATTENTION':
      change(draft, event, { ioStatus: event.data.ioStatus });
      break;
    case 'GATEWAY_JOB_SETTLED':
      settle(draft, event);
      break;
    case 'GATEWAY_COMMAND_ANSWERED':
      // May come after the end of its run, when a table need not know that any more.
      break;
    case 'GATEWAY_SOURCE_UP':
      source(draft, event, { state: 'connecting', qemu: event.data.qemu });
      break;
    case 'GATEWAY_SOURCE_SYNCED':
      source(draft, event, { state: 'up' });
      break;
    case 'GATEWAY_SOURCE_STALLED':
      source(draft, event, { reason: 'stalled' });
      break;
    case 'GATEWAY_SOURCE_RESPONSIVE':
      source(draft, event, {});
      break;
    case 'GATEWAY_SOURCE_DOWN':
      source(draft, event, { state: 'down', reason: event.data.reason });
      // Ended ones that still occupy their id are found again, or not.
      for (const [run, job] of draft.jobs) if (job.settled && job.source === event.source) draft.jobs.delete(run);
      break;
    default:
      // Says nothing about a run that is known. But any event of a job may be the first of its run that anybody saw: BLOCK_JOB_ERROR too.
      if (event.job && !draft.jobs.has(event.job.run)) change(draft, event, {});
  }
}

/** The status that an event implies where it is the first of its run that anybody saw. */
const FIRST_STATUS: Partial<Record<KnownEntry['type'], JobStatus>> = {
  BLOCK_JOB_READY: 'ready',
  BLOCK_JOB_PENDING: 'pending',
  BLOCK_JOB_COMPLETED: 'pending',
  BLOCK_JOB_CANCELLED: 'aborting',
};

function change(draft: Draft, event: KnownEntry, changes: Partial<Job>, found = false): void {
  if (!event.job) return;
  const { id, run } = event.job;
  const before = draft.jobs.get(run);
  const settled = draft.settled.get(run)?.settled;
  if (!before && settled && !found) return; // an ended run comes back only where a query finds it
  const blank = {
    ...(settled && { settled }),
    type: null,
    status: FIRST_STATUS[event.type] ?? 'running',
    began: formatCursor(draft.epoch, event.offset),
    len: 0,
    offset: 0,
    speed: 0,
    updated: '',
  };
  const job: Job = { ...blank, ...before, ...changes, source: event.source, job: id, run };
  // QEMU clears the I/O status when the job is resumed.
  if (changes.status === 'running' && job.ioStatus) job.ioStatus = 'ok';
  if (changes.len !== undefined || !before) job.updated = event.time ?? job.updated;
  draft.jobs.set(run, job);
}

function settle(draft: Draft, event: Extract<KnownEntry, { type: 'GATEWAY_JOB_SETTLED' }>): void {
  if (!event.job) return;
  const { id, run } = event.job;
  const settled = event.data;
  const cursor = formatCursor(draft.epoch, event.offset);
  draft.settled.set(run, { source: event.source, job: id, run, cursor, time: event.time, settled });
  const before = draft.jobs.get(run);
  if (settled.dismissed) draft.jobs.delete(run);
  else if (before) draft.jobs.set(run, { ...before, status: 'concluded', settled });
}

/** `null` frees the id. A run that is not settled yet stays until its settlement, which follows. */
function dismiss(draft: Draft, event: KnownEntry): void {
  const job = event.job && draft.jobs.get(event.job.run);
  if (!job?.settled) return;
  const { run, settled } = job;
  const cursor = formatCursor(draft.epoch, event.offset);
  if (!draft.settled.has(run)) {
    // Its settlement was too old for the snapshot: when it ended was not said here.
    draft.settled.set(run, { source: job.source, job: job.job, run, cursor, time: null, settled });
  }
  draft.jobs.delete(run);
}

function source(draft: Draft, event: KnownEntry, changes: Partial<SourceInfo>): void {
  const { reason: _reason, ...before } = draft.sources.get(event.source) ?? { state: 'up', since: '' };
  draft.sources.set(event.source, { ...before, ...changes, name: event.source, since: event.time ?? before.since });
}
