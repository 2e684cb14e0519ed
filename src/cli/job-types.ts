// Requests the type of new jobs: QEMU's JOB_STATUS_CHANGE, which begins a run, has none, and without it the figures have no unit.
import type { Client, JobTable } from '../client/node.js';
import type { Job } from '../protocol/types.js';
import { hasFigures } from './job-columns.js';

/** Milliseconds for which jobs that begin together are collected. */
const GATHER_MS = 150;
/** Milliseconds within which a type is of use. */
const ANSWER_MS = 2_000;
/** Jobs of one turn, with a request each; more of them come with the next change of the table. */
const MAX_JOBS = 32;

/** @param found is called once for each turn, also where no type was found. */
export function openJobTypes(client: Pick<Client, 'jobGet'>, found: (jobs: readonly Job[]) => void) {
  // Runs that have been asked for and are still in the table, and those of them whose answer has come.
  let asked = new Set<string>();
  let answered = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function ask(table: JobTable): Promise<void> {
    timer = undefined;
    const jobs = missing(table).slice(0, MAX_JOBS);
    asked = new Set([...[...asked].filter((run) => table.jobs.has(run)), ...jobs.map(({ run }) => run)]);
    // A job may have ended before this; its settlement has the type.
    const one = ({ source, job, run }: Job) =>
      client.jobGet({ source, job, run }, { timeoutMs: ANSWER_MS }).catch(() => undefined);
    const answers = await Promise.all(jobs.map(one));
    answered = new Set([...answered, ...jobs.map(({ run }) => run)].filter((run) => asked.has(run)));
    if (!isClosed) found(answers.filter((job) => job !== undefined && job.type !== null) as Job[]);
  }

  const missing = ({ jobs }: JobTable): Job[] =>
    [...jobs.values()].filter(({ run, type, settled }) => type === null && !settled && !asked.has(run));

  return {
    look(table: () => JobTable): void {
      if (timer || missing(table()).length === 0) return;
      timer = setTimeout(() => void ask(table()), GATHER_MS);
    },
    /** Whether its type may still come. */
    isAwaited: ({ run, type, settled }: Job): boolean => type === null && !settled && !answered.has(run),
    close(): void {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** The table with the types of `found`, and with its figures where a row has none; nothing else of a row is older or newer for it. */
export function withTypes(table: JobTable, found: readonly Job[]): JobTable {
  const jobs = new Map(table.jobs);
  for (const { run, type, len, offset, speed } of found) {
    const job = jobs.get(run);
    if (job && job.type === null) jobs.set(run, { ...job, type, ...(!hasFigures(job) && { len, offset, speed }) });
  }
  return { ...table, jobs };
}
