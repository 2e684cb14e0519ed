// The run that a job's address names, or another one with the same job id. Pure.
import type { JobTable } from 'qmp-gateway/client';
import type { Job, SettledRun } from 'qmp-gateway/protocol';

export interface Known {
  table: JobTable;
  /** Runs that ended unobserved, by run. */
  unseen: ReadonlyMap<string, SettledRun>;
}

interface Address {
  source: string;
  job: string;
  run: string | undefined;
}

export type Found =
  | { kind: 'known'; run: string; job: Job | undefined; ended: SettledRun | undefined }
  /**
   * The run is not in the table. The gateway may still have its settlement. Otherwise it ended long ago, or was named by a gateway before a restart;
   * then the newest run of the id, live or ended, is the closest. `waits`: the source is not in sync yet, so the run may still appear.
   */
  | { kind: 'unknown'; job: Job | undefined; ended: SettledRun | undefined; waits: boolean };

export function findRun({ table, unseen }: Known, { source, job: id, run: asked }: Address): Found {
  const known = (run: string): Found | undefined => {
    const job = table.jobs.get(run);
    const ended = table.settled.get(run) ?? unseen.get(run);
    return job || ended ? { kind: 'known', run, job, ended } : undefined;
  };
  const found = asked !== undefined && known(asked);
  if (found) return found;
  const ofId = (each: { source: string; job: string }): boolean => each.source === source && each.job === id;
  const live = [...table.jobs.values()].find(ofId);
  const ended = live ? undefined : [...table.settled.values()].filter(ofId).at(-1);
  const newest = (live ?? ended)?.run;
  const current = asked === undefined && newest !== undefined && known(newest);
  if (current) return current;
  return { kind: 'unknown', job: live, ended, waits: (table.sources.get(source)?.state ?? 'up') !== 'up' };
}
