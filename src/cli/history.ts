// `history`: the runs that have ended, newest first, as the gateway has kept them for weeks.
import { type Command, Option } from 'commander';
import type { Client } from '../client/node.js';
import type { HistoryParams, HistoryRun } from '../protocol/history.js';
import type { Outcome } from '../protocol/types.js';
import { durationOf, formatAmount, formatDuration } from '../protocol/words.js';
import type { Colour, Column } from './columns.js';
import { CliError, EXIT } from './exit.js';
import { addListOptions, isForPrograms, type ListOptions, printList } from './list.js';
import { nameLine } from './name-line.js';
import { jobOption, sourceOption, tokenOption, urlOption } from './options.js';
import { complain, print } from './output.js';
import { type RemoteOptions, withGateway } from './remote.js';
import { isoTime, parseSince, type Times, timesIn, utcOption } from './times.js';
import { count, globs } from './values.js';

interface HistoryOptions extends RemoteOptions, ListOptions {
  source?: string[];
  job?: string[];
  outcome?: Outcome[];
  by?: string[];
  /** Milliseconds since 1970. */
  since?: number;
  limit: number;
  utc?: boolean;
}

/** Runs in one page. */
const PAGE = 500;

export function addHistory(program: Command): void {
  addListOptions(program.command('history').description('list the jobs that have ended, newest first'), 'SOURCE JOB')
    .addOption(sourceOption())
    .addOption(jobOption())
    .addOption(
      new Option('--outcome <outcome...>', 'only with these outcomes').choices([
        'completed',
        'cancelled',
        'failed',
        'lost',
      ]),
    )
    .option('--by <glob...>', 'only those whose end these principals asked for', globs)
    .option('--since <when>', 'ended since then: 12h, 7d, or a time in ISO 8601', (text) => parseSince(text))
    .option('--limit <count>', 'at most so many', count(9_999_999), 100)
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway history --since 7d --outcome failed lost
  $ qmp-gateway history --json --limit 100000 | jq -r '[.end, .source, .job, .outcome] | @tsv'

What happened in one of them: qmp-gateway show SOURCE JOB --run RUN; --json has the runs.`,
    )
    .action(history);
}

async function history(options: HistoryOptions): Promise<void> {
  const { source, job, outcome, by, since, limit } = options;
  const params: HistoryParams = {
    ...(source && { sources: source }),
    ...(job && { jobs: job }),
    ...(outcome && { outcomes: outcome }),
    ...(by && { by }),
    ...(since !== undefined && { endedAfter: isoTime(since) }),
  };
  const { runs, hasMore } = await withGateway(options, (client) => read(client, params, limit));
  const columns = historyColumns(timesIn(options.utc === true));
  printList({ columns, rows: runs, name: (run) => nameLine(run.source, run.job) }, options);
  if (runs.length === 0 && !isForPrograms(options)) print('no jobs have ended');
  if (hasMore && !options.quiet) complain(`older ones are left out: --limit is ${limit}`);
}

async function read(client: Client, params: HistoryParams, limit: number) {
  await requireHistory(client);
  const runs: HistoryRun[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client.history({
      ...params,
      limit: Math.min(PAGE, limit - runs.length),
      ...(pageToken !== undefined && { pageToken }),
    });
    runs.push(...page.runs);
    pageToken = page.pageToken;
  } while (pageToken !== undefined && runs.length < limit);
  return { runs, hasMore: pageToken !== undefined };
}

export async function requireHistory(client: Client): Promise<void> {
  const { version, features = [] } = await client.info();
  if (!features.includes('history'))
    throw new CliError(EXIT.failed, `the gateway (${version}) is too old: it keeps no history`);
}

function durationText(run: HistoryRun): string {
  const ms = durationOf(run);
  return ms === undefined ? '?' : formatDuration(ms);
}

export const historyColumns = (times: Times): Column<HistoryRun>[] => [
  { head: 'ENDED', cell: ({ end }) => times.second(end) },
  { head: 'SOURCE', cell: ({ source }) => source, isName: true },
  { head: 'JOB', cell: ({ job }) => job, isName: true },
  { head: 'TYPE', cell: ({ type }) => type ?? '?', rank: 1 },
  { head: 'OUTCOME', cell: ({ outcome }) => outcome, colour: ({ outcome }) => COLOURS[outcome] },
  { head: 'DURATION', cell: durationText, rank: 2 },
  { head: 'SIZE', cell: ({ len, type }) => (len === null ? '?' : formatAmount(len, type)), rank: 3 },
  { head: 'BY', cell: ({ requestedBy }) => requestedBy.join(', '), rank: 4, isName: true },
  { head: 'ERROR', cell: ({ error = '' }) => error, rank: 5, isName: true },
  { head: 'RUN', cell: ({ run }) => run, isWide: true },
];

const COLOURS: Readonly<Record<Outcome, Colour>> = { completed: 'green', cancelled: 'dim', failed: 'red', lost: 'red' };
