// What ended while nobody looked. In: the jobs before a reset, and the table since. Out: runs that are gone without an ending. Pure.
// A gateway that began a new log knows nothing of the old runs; only this page still does, and it must not assume success.
import type { JobTable } from 'qmp-gateway/client';
import type { Job, SettledRun } from 'qmp-gateway/protocol';

/** Live jobs of `before` that the reset's own table does not carry on. They may come back when their source is in sync. */
export function orphansOf(before: JobTable, after: Pick<JobTable, 'jobs' | 'settled'>): Job[] {
  return [...before.jobs.values()].filter(
    ({ run, settled }) => !settled && !after.jobs.has(run) && !after.settled.has(run),
  );
}

/** Those of `orphans` whose source is up again without a job of that id: how they ended nobody knows. */
export function unseenOf(orphans: readonly Job[], table: JobTable): SettledRun[] {
  const ids = new Set([...table.jobs.values()].map(({ source, job }) => `${source}\u0000${job}`));
  return orphans
    .filter(({ source, job }) => table.sources.get(source)?.state === 'up' && !ids.has(`${source}\u0000${job}`))
    .map(({ source, job, run, type, len, offset, began }) => ({
      ...{ source, job, run, cursor: table.cursor, time: null },
      settled: {
        ...{
          outcome: 'lost',
          provenance: 'unknown',
          forced: false,
          escalated: false,
          requestedBy: [],
          dismissed: true,
        },
        // Only a mirror or an active commit switches disks; of a type that is not known nothing is ruled out.
        ...(type === 'backup' || type === 'stream'
          ? { pivoted: false, pivotProof: 'type' }
          : { pivoted: 'unknown', pivotProof: null }),
        ...{ type, len, offset, ...(began !== undefined && { began }) },
      },
    }));
}
