// `projection` with immutable tables: each fold returns the next table, and no table is changed.
import { epochOf } from './cursor.js';
import { measure, type ProjectedState, Projection } from './projection.js';
import type { Cursor, Entry, Job, Progress, SettledRun, SourceInfo } from './types.js';

/**
 * The jobs and settlements at `cursor`. `{source, job, run, status, began, continuity, settled}` are exact there; `len`, `offset` and `speed` were
 * true at `updated`, the other members when an entry or a snapshot had them last.
 */
export interface JobTable extends ProjectedState {
  readonly cursor: Cursor;
}

/** One consistent cut, as the server sends it. */
export interface Cut {
  cursor: Cursor;
  jobs: readonly Job[];
  settled: readonly SettledRun[];
  sources: readonly SourceInfo[];
}

export function tableOf(cut: Cut): JobTable {
  return {
    cursor: cut.cursor,
    jobs: new Map(cut.jobs.map((job) => [job.run, job])),
    settled: new Map(cut.settled.map((run) => [run.run, run])),
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

/**
 * The table after `events`, which must be all events of its filter between `table.cursor` and `cursor`. A filter on `types` would leave some out:
 * don't fold such a stream.
 */
export function foldEvents(table: JobTable, events: readonly Entry[], cursor: Cursor): JobTable {
  if (events.length === 0) return { ...table, cursor };
  const next = new Projection(epochOf(cursor) ?? '', table);
  for (const event of events) next.apply(event);
  return { cursor, jobs: next.jobs, settled: next.settled, sources: next.sources };
}

/** The table with newer figures. `status` is kept: only entries change it. `at` is ISO 8601. */
export function foldProgress(table: JobTable, rows: readonly Progress[], at: string): JobTable {
  const jobs = new Map(table.jobs);
  measure(jobs, rows, at);
  return { ...table, jobs };
}
