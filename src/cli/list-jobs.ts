// All jobs of a gateway, page by page.
import type { Client } from '../client/node.js';
import type { Job } from '../protocol/types.js';

/** @param sources globs. */
export async function listJobs(client: Client, sources: readonly string[] | undefined): Promise<Job[]> {
  const jobs: Job[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client.jobList({ ...(sources && { sources }), ...(pageToken !== undefined && { pageToken }) });
    jobs.push(...page.jobs);
    pageToken = page.pageToken;
  } while (pageToken !== undefined);
  return jobs;
}
