// Which run a job's address means. In: what is known, the address. Out: that run, its successor after a restart, or why there is none. Pure.
import type { JobTable } from 'qmp-gateway/client';
import { type Job, parseCursor, type SettledRun } from 'qmp-gateway/protocol';

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
  /** A gateway that began a new log names runs anew: the newest run of that id, live or ended. */
  | { kind: 'renamed'; run: string; job: Job | undefined; ended: SettledRun | undefined }
  /** Of an older log, and the new one has no run of the id. `waits`: the source is not in sync yet, so that may change. */
  | { kind: 'restarted'; waits: boolean }
  /** Of this log, and not in the table: the gateway may remember it. */
  | { kind: 'unknown'; other: Job | undefined };

export function findRun({ table, unseen }: Known, { source, job: id, run: asked }: Address): Found {
  const ofId = (each: { source: string; job: string }): boolean => each.source === source && each.job === id;
  const live = [...table.jobs.values()].find(ofId);
  const run = asked ?? live?.run;
  if (run !== undefined) {
    const job = table.jobs.get(run);
    const ended = table.settled.get(run) ?? unseen.get(run);
    if (job || ended) return { kind: 'known', run, job, ended };
  }
  if (asked === undefined || parseCursor(asked)?.epoch === parseCursor(table.cursor)?.epoch)
    return { kind: 'unknown', other: live };
  const ended = live ? undefined : [...table.settled.values()].filter(ofId).at(-1);
  const heir = live?.run ?? ended?.run;
  if (heir !== undefined) return { kind: 'renamed', run: heir, job: live, ended };
  return { kind: 'restarted', waits: (table.sources.get(source)?.state ?? 'up') !== 'up' };
}
