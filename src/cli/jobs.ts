// `jobs`: the present jobs, and the sources whose jobs are unknown.
import { type Command, Option } from 'commander';
import type { Client } from '../client/node.js';
import { compileGlobs } from '../protocol/glob.js';
import { JOB_STATUSES } from '../protocol/rules.js';
import type { Job, SourceInfo } from '../protocol/types.js';
import { CliError, EXIT } from './exit.js';
import { JOB_COLUMNS, JOB_ORDERS, selects, sortJobs } from './job-columns.js';
import { type JobsOptions, watchJobs } from './jobs-watch.js';
import { addListOptions, isForPrograms, printList } from './list.js';
import { listJobs } from './list-jobs.js';
import { nameLine } from './name-line.js';
import { jobOption, sourceOption, tokenOption, urlOption } from './options.js';
import { complain, print } from './output.js';
import { withGateway } from './remote.js';
import { type Times, timesIn, utcOption } from './times.js';
import { globs } from './values.js';

export function addJobs(program: Command): void {
  addListOptions(program.command('jobs').description('list the jobs of all sources'), 'SOURCE JOB')
    .option('-w, --watch', 'and every change, until interrupted: in place in a terminal, else a line each')
    .addOption(sourceOption())
    .addOption(jobOption())
    .addOption(new Option('--type <glob...>', 'only of these types, as mirror').argParser(globs))
    .addOption(new Option('--status <status...>', 'only in these states').choices(JOB_STATUSES))
    .option('--waiting', 'only those that wait for a decision: an I/O error, pending, ready, not dismissed')
    .addOption(new Option('--sort <order>', 'of the rows').choices(JOB_ORDERS).default('name'))
    .option('-r, --reverse', 'in the reverse order')
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway jobs --source 'vm*' --status running --sort left
  $ qmp-gateway jobs --waiting -o name | qmp-gateway complete -
  $ qmp-gateway jobs --json | jq -r .run`,
    )
    .action((options: JobsOptions) =>
      withGateway(options, (client) => (options.watch ? watchJobs(client, options) : list(client, options))),
    );
}

async function list(client: Client, options: JobsOptions): Promise<void> {
  const listed = (await listJobs(client, options.source)).filter(selects(options));
  const wanted = compileGlobs(options.source);
  const sources = (await client.sources()).filter(({ name }) => wanted(name));
  const sorted = sortJobs(listed, options.sort);
  const rows = options.reverse ? sorted.reverse() : sorted;
  printList({ columns: JOB_COLUMNS, rows, name: ({ source, job }) => nameLine(source, job) }, options);
  const away = sources.filter(({ state }) => state !== 'up');
  const names = away.map(
    ({ name, state, reason }) => `${name} is ${state}${reason === undefined ? '' : ` (${reason})`}`,
  );
  if (sources.length === 0)
    throw new CliError(
      EXIT.failed,
      options.source
        ? `no source matches ${options.source.join(' ')}; next: qmp-gateway sources`
        : 'the gateway has no sources',
    );
  if (away.length === sources.length)
    throw new CliError(EXIT.failed, [
      'no source is up, so the jobs are unknown',
      ...names,
      '  next: qmp-gateway sources',
    ]);
  if (rows.length === 0 && !isForPrograms(options)) print('no jobs');
  if (options.quiet) return;
  const stalled = sources.filter(({ reason, state }) => state === 'up' && reason === 'stalled');
  complain(...names.map((text) => `${text}: its jobs are unknown or out of date`));
  complain(...stalled.map((each) => agedLine(each, listed, timesIn(options.utc === true))));
}

/** The time is the gateway's, since this machine's clock may differ. */
function agedLine({ name }: SourceInfo, jobs: readonly Job[], times: Times): string {
  const newest = jobs.reduce(
    (latest, { source, updated }) => (source === name && updated > latest ? updated : latest),
    '',
  );
  return `${name} does not answer (stalled)${newest === '' ? '' : `, its jobs are as of ${times.second(newest)}`}`;
}
