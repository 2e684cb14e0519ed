// When the live runs began: by the events that begin them, and for older runs by the log, which is read for those that are asked for.
import type { Client, JobTable } from 'qmp-gateway/client';
import {
  compareCursors,
  cursorBefore,
  type Entry,
  epochOf,
  formatCursor,
  isEventOf,
  type Job,
} from 'qmp-gateway/protocol';
import type { Start } from '../model/fleet/rows.js';

/** Jobs in one request: the most that a list of globs has. */
const BATCH = 32;
/** Milliseconds after which a request that has not found all its runs is given up. */
const PATIENCE_MS = 5_000;

function startOf(entry: Entry): Start | undefined {
  const at = Date.parse(entry.time ?? '');
  return Number.isNaN(at) ? undefined : { at, wasFound: isEventOf(entry, 'GATEWAY_JOB_FOUND') };
}

/** @param noted called with the runs whose begin has become known. */
export function openStarts(client: Client, noted: (runs: Iterable<string>) => void) {
  const starts = new Map<string, Start>();
  /** Runs that were asked for, whether they were found or not. */
  const asked = new Set<string>();
  let waiting: Job[] = [];
  let stop: (() => void) | undefined;

  function add(found: ReadonlyMap<string, Start>): void {
    for (const [run, start] of found) starts.set(run, start);
    if (found.size > 0) noted(found.keys());
  }

  function next(): void {
    if (stop || client.state.phase !== 'open') return;
    const batch = waiting.splice(0, BATCH);
    if (batch.length > 0) read(batch);
  }

  function read(batch: readonly Job[]): void {
    const open = new Map(batch.map((job) => [job.run, job]));
    const found = new Map<string, Start>();
    const first = batch.reduce((before, job) =>
      (compareCursors(job.began ?? '', before.began ?? '') ?? 0) < 0 ? job : before,
    );
    const subscription = client.subscribe(
      {
        sources: [...new Set(batch.map(({ source }) => source))],
        jobs: [...new Set(batch.map(({ job }) => job))],
        types: ['JOB_STATUS_CHANGE', 'GATEWAY_JOB_FOUND', 'BLOCK_JOB_*'],
        after: cursorBefore(first.began ?? ''),
      },
      {
        events(entries, cursor) {
          const epoch = epochOf(cursor) ?? '';
          for (const entry of entries) {
            const job = open.get(entry.job?.run ?? '');
            if (job?.began !== formatCursor(epoch, entry.offset)) continue;
            open.delete(job.run);
            const start = startOf(entry);
            if (start) found.set(job.run, start);
          }
          if (open.size === 0) done();
        },
        // What has left the log stays unknown.
        gap: () => done(),
        error: () => done(),
      },
    );
    const timer = setTimeout(() => {
      for (const run of open.keys()) asked.delete(run);
      done();
    }, PATIENCE_MS);
    stop = () => {
      clearTimeout(timer);
      subscription.unsubscribe();
    };
    function done(): void {
      stop?.();
      stop = undefined;
      add(found);
      next();
    }
  }

  return {
    starts: starts as ReadonlyMap<string, Start>,
    /** From the events that have just come. */
    note(table: JobTable, entries: readonly Entry[]): void {
      const found = new Map<string, Start>();
      const epoch = epochOf(table.cursor) ?? '';
      for (const entry of entries) {
        const run = entry.job?.run;
        if (run === undefined || asked.has(run) || !table.jobs.has(run)) continue;
        // Of an older run this entry is not the first.
        const isFirst = table.jobs.get(run)?.began === formatCursor(epoch, entry.offset);
        const start = isFirst ? startOf(entry) : undefined;
        if (!start) continue;
        asked.add(run);
        found.set(run, start);
      }
      add(found);
    },
    /** Reads when these began, before what was asked for earlier, which may be out of sight by now. */
    want(jobs: readonly Job[]): void {
      const fresh = jobs.filter(({ run, began }) => began !== undefined && !asked.has(run));
      for (const { run } of fresh) asked.add(run);
      waiting = [...fresh, ...waiting];
      next();
    },
    /** Forgets runs that have ended. */
    keep(table: JobTable): void {
      for (const run of asked) if (!table.jobs.has(run)) asked.delete(run);
      for (const run of starts.keys()) if (!table.jobs.has(run)) starts.delete(run);
    },
    close: (): void => stop?.(),
  };
}
