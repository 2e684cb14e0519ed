// Runs that were in the table before a reset and have no settlement after it. A gateway that began a new log does not know the old runs, so only this
// page does; it must not assume success. Pure.
import type { JobTable } from 'qmp-gateway/client';
import { type Job, neverPivots, type SettledRun } from 'qmp-gateway/protocol';

/** Live jobs of `before` that are missing in the table of the reset. They may come back when their source is in sync. */
export function orphansOf(before: Pick<JobTable, 'jobs'>, after: Pick<JobTable, 'jobs' | 'settled'>): Job[] {
  return [...before.jobs.values()].filter(
    ({ run, settled }) => !settled && !after.jobs.has(run) && !after.settled.has(run),
  );
}

/**
 * Once a source is in sync its table is final. A run whose job id is there, live or settled, goes on under another name; how any other one ended is
 * unknown. `open` are those whose source is not in sync yet.
 */
export function judgeOrphans(orphans: readonly Job[], table: JobTable): { open: Job[]; lost: SettledRun[] } {
  const idOf = ({ source, job }: { source: string; job: string }): string => `${source}\u0000${job}`;
  const isInSync = ({ source }: Job): boolean => table.sources.get(source)?.state === 'up';
  const seen = new Set([...table.jobs.values(), ...table.settled.values()].map(idOf));
  const lost = orphans
    .filter((orphan) => isInSync(orphan) && !seen.has(idOf(orphan)))
    .map(
      ({ source, job, run, type, len, offset, began }): SettledRun => ({
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
          ...(neverPivots(type) ? { pivoted: false, pivotProof: 'type' } : { pivoted: 'unknown', pivotProof: null }),
          ...{ type, len, offset, ...(began !== undefined && { began }) },
        },
      }),
    );
  return { open: orphans.filter((orphan) => !isInSync(orphan)), lost };
}
