// Requests the type and settings of new jobs, as QEMU's JOB_STATUS_CHANGE, which begins a run, has neither.
import type { Client, JobTable } from 'qmp-gateway/client';
import type { Entry, Job } from 'qmp-gateway/protocol';

/** Milliseconds for which jobs that begin together are collected. */
const GATHER_MS = 150;
/** Beyond this number the jobs are requested as a list. */
const ONE_BY_ONE = 8;

export function openJobDetails(client: Client, found: (jobs: readonly Job[]) => void) {
  let missing = new Map<string, Job>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function ask(): Promise<void> {
    timer = undefined;
    const jobs = [...missing.values()];
    missing = new Map();
    // A job may have ended before this; its settlement has the type.
    const one = ({ source, job, run }: Job) => client.jobGet({ source, job, run }).catch(() => undefined);
    const answers = jobs.length > ONE_BY_ONE ? await list(client, jobs) : await Promise.all(jobs.map(one));
    const known = answers.filter((job) => job !== undefined && job.type !== null) as Job[];
    if (known.length > 0) found(known);
  }

  return {
    look(table: JobTable, entries: readonly Entry[]): void {
      for (const { job } of entries) {
        const known = job && table.jobs.get(job.run);
        if (known && known.type === null) missing.set(known.run, known);
      }
      if (missing.size > 0) timer ??= setTimeout(() => void ask(), GATHER_MS);
    },
    close: (): void => clearTimeout(timer),
  };
}

async function list(client: Client, wanted: readonly Job[]): Promise<Job[]> {
  const sources = [...new Set(wanted.map(({ source }) => source))].slice(0, 32);
  const jobs: Job[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client
      .jobList({ sources, ...(pageToken === undefined ? {} : { pageToken }) })
      .catch(() => undefined);
    jobs.push(...(page?.jobs ?? []));
    pageToken = page?.pageToken;
  } while (pageToken !== undefined);
  return jobs;
}
