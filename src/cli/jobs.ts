// `jobs`: what runs now.
import type { Command } from 'commander';
import type { Job } from '../protocol/types.js';
import { JOB_HEAD, jobRow, table } from './format.js';
import { jsonOption, type RemoteOptions, urlOption, withGateway } from './remote.js';

export function addJobs(program: Command): void {
  program
    .command('jobs')
    .description('list the jobs of all sources')
    .option('--source <glob...>', 'only of these sources')
    .addOption(urlOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ qmp-gateway jobs --json | jq -r .run')
    .action(async (options: RemoteOptions & { source?: string[] }) => {
      const jobs = await withGateway(options, async (client) => {
        const all: Job[] = [];
        let pageToken: string | undefined;
        do {
          const page = await client.jobList({
            ...(options.source && { sources: options.source }),
            ...(pageToken !== undefined && { pageToken }),
          });
          all.push(...page.jobs);
          pageToken = page.pageToken;
        } while (pageToken !== undefined);
        return all;
      });
      if (options.json) for (const job of jobs) console.log(JSON.stringify(job));
      else if (jobs.length === 0) console.log('no jobs');
      else console.log(table(JOB_HEAD, jobs.map(jobRow)));
    });
}
