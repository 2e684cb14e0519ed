// Requests the type of new jobs: QEMU's JOB_STATUS_CHANGE, which begins a run, has none, and without it the figures have no unit.
import type { Client, JobTable } from '../client/node.js';
import type { Job } from '../protocol/types.js';

/** Milliseconds for which jobs that begin together are collected. */
const GATHER_MS = 150;
/** Jobs of one turn, with a request each; more of them come with the next change of the table. */
const MAX_JOBS = 32;

export function openJobTypes(client: Pick<Client, 'jobGet'>, found: (jobs: readonly Job[]) => void) {
  // Runs that have been asked for and are still in the table.
  let asked = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  async function ask(table: JobTable): Promise<void> {
    timer = undefined;
    const jobs = missing(table).slice(0, MAX_JOBS);
    asked = new Set([...[...asked].filter((run) => table.jobs.has(run)), ...jobs.map(({ run }) => run)]);
    // A job may have ended before this; its settlement has the type.
    const one = ({ source, job, run }: Job) => client.jobGet({ source, job, run }).catch(() => undefined);
    const answers = await Promise.all(jobs.map(one));
    const known = answers.filter((job) => job !== undefined && job.type !== null) as Job[];
    if (known.length > 0) found(known);
  }

  const missing = ({ jobs }: JobTable): Job[] =>
    [...jobs.values()].filter(({ run, type, settled }) => type === null && !settled && !asked.has(run));

  return {
    look(table: () => JobTable): void {
      if (timer || missing(table()).length === 0) return;
      timer = setTimeout(() => void ask(table()), GATHER_MS);
    },
    close: (): void => clearTimeout(timer),
  };
}

/** The table with the types of `found`; nothing else of a row is older or newer for it. */
export function withTypes(table: JobTable, found: readonly Job[]): JobTable {
  const jobs = new Map(table.jobs);
  for (const { run, type } of found) {
    const job = jobs.get(run);
    if (job && job.type === null) jobs.set(run, { ...job, type });
  }
  return { ...table, jobs };
}
