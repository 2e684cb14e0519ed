// `jobs`: the present jobs, and the sources whose jobs are unknown.
import type { Command } from 'commander';
import type { Client } from '../client/node.js';
import type { Job, SourceInfo } from '../protocol/types.js';
import { CliError, EXIT } from './exit.js';
import { JOB_HEAD, jobRow, table } from './format.js';
import { complain, print, printJson } from './output.js';
import { jsonOption, type RemoteOptions, tokenOption, urlOption, withGateway } from './remote.js';

export function addJobs(program: Command): void {
  program
    .command('jobs')
    .description('list the jobs of all sources')
    .option('--source <glob...>', 'only of these sources')
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ qmp-gateway jobs --json | jq -r .run\n\nExit: 0 listed · 1 no source is up, or refused · 4 no gateway',
    )
    .action(async (options: RemoteOptions & { source?: string[] }) => {
      const { jobs, sources } = await withGateway(options, (client) => read(client, options.source));
      if (options.json) for (const job of jobs) printJson(job);
      else if (jobs.length > 0) print(...table(JOB_HEAD, jobs.map(jobRow)));
      const away = sources.filter(({ state }) => state !== 'up');
      const names = away.map(
        ({ name, state, reason }) => `${name} is ${state}${reason === undefined ? '' : ` (${reason})`}`,
      );
      if (sources.length === 0)
        throw new CliError(
          EXIT.failed,
          options.source ? `no source matches ${options.source.join(' ')}` : 'the gateway has no sources',
        );
      if (away.length === sources.length)
        throw new CliError(EXIT.failed, ['no source is up, so the jobs are unknown', ...names]);
      if (jobs.length === 0 && !options.json) print('no jobs');
      complain(...names.map((text) => `${text}: its jobs are unknown or out of date`));
      complain(
        ...sources
          .filter(({ reason, state }) => state === 'up' && reason === 'stalled')
          .map((each) => agedLine(each, jobs)),
      );
    });
}

/** The time is the gateway's, since this machine's clock may differ. */
function agedLine({ name }: SourceInfo, jobs: readonly Job[]): string {
  const newest = jobs.reduce(
    (latest, { source, updated }) => (source === name && updated > latest ? updated : latest),
    '',
  );
  const asOf = newest === '' ? '' : `, its jobs are as of ${newest.slice(11, 19)} UTC`;
  return `${name} does not answer (stalled)${asOf}`;
}

async function read(client: Client, globs: readonly string[] | undefined) {
  const jobs: Job[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client.jobList({
      ...(globs && { sources: globs }),
      ...(pageToken !== undefined && { pageToken }),
    });
    jobs.push(...page.jobs);
    pageToken = page.pageToken;
  } while (pageToken !== undefined);
  const wanted = matcher(globs);
  return { jobs, sources: (await client.sources()).filter(({ name }: SourceInfo) => wanted(name)) };
}

/** Globs as the gateway reads them: `*` and `?`, for the whole name. */
function matcher(globs: readonly string[] | undefined): (name: string) => boolean {
  const patterns = globs?.map((glob) => {
    const text = glob
      .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${text}$`, 's');
  });
  return (name) => patterns?.some((pattern) => pattern.test(name)) ?? true;
}
