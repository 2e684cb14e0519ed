// Which run a job's address means, or what else there is of its id. Pure.
import type { JobTable } from 'qmp-gateway/client';
import type { Job, SettledRun } from 'qmp-gateway/protocol';

export interface Known {
  table: JobTable;
  /** Runs that have ended while nobody saw it, by run. */
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
   * Not in the table. The gateway may remember it; else it ended long ago, or a gateway before a restart has named it: then the newest run of the
   * id, live or ended, is the nearest. `waits`: the source is not in sync yet, so there may be one soon.
   */
  | { kind: 'unknown'; job: Job | undefined; ended: SettledRun | undefined; waits: boolean };

export function findRun({ table, unseen }: Known, { source, job: id, run: asked }: Address): Found {
  const ofId = (each: { source: string; job: string }): boolean => each.source === source && each.job === id;
  const live = [...table.jobs.values()].find(ofId);
  const run = asked ?? live?.run;
  if (run !== undefined) {
    const job = table.jobs.get(run);
    const ended = table.settled.get(run) ?? unseen.get(run);
    if (job || ended) return { kind: 'known', run, job, ended };
  }
  const ended = live ? undefined : [...table.settled.values()].filter(ofId).at(-1);
  return { kind: 'unknown', job: live, ended, waits: (table.sources.get(source)?.state ?? 'up') !== 'up' };
}
