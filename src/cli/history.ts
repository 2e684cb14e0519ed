// `history`: the runs that have ended, newest first, as the gateway has kept them for weeks.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Client } from '../client/node.js';
import type { HistoryParams, HistoryRun } from '../protocol/history.js';
import type { Outcome } from '../protocol/types.js';
import { formatAmount, formatDuration } from '../protocol/words.js';
import { CliError, EXIT } from './exit.js';
import { table } from './format.js';
import { complain, print, printJson } from './output.js';
import { jsonOption, type RemoteOptions, tokenOption, urlOption, withGateway } from './remote.js';
import { isoTime, parseSince, shortTime } from './times.js';

interface HistoryOptions extends RemoteOptions {
  source?: string[];
  job?: string[];
  outcome?: Outcome[];
  by?: string[];
  /** Milliseconds since 1970. */
  since?: number;
  limit: number;
}

/** Runs in one page. */
const PAGE = 500;

export function addHistory(program: Command): void {
  program
    .command('history')
    .description('list the jobs that have ended, newest first')
    .option('--source <glob...>', 'only of these sources')
    .option('--job <glob...>', 'only of these jobs')
    .addOption(
      new Option('--outcome <outcome...>', 'only with these outcomes').choices([
        'completed',
        'cancelled',
        'failed',
        'lost',
      ]),
    )
    .option('--by <glob...>', 'only those whose end these principals asked for')
    .option('--since <when>', 'ended since then: 12h, 7d, or a time in ISO 8601', (text) => parseSince(text))
    .option('--limit <count>', 'at most so many', parseLimit, 100)
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
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

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('expected a number from 1 to 9999999');
  return Number(text);
}

async function history(options: HistoryOptions): Promise<void> {
  const { source, job, outcome, by, since, limit, json } = options;
  const params: HistoryParams = {
    ...(source && { sources: source }),
    ...(job && { jobs: job }),
    ...(outcome && { outcomes: outcome }),
    ...(by && { by }),
    ...(since !== undefined && { endedAfter: isoTime(since) }),
  };
  const { runs, hasMore } = await withGateway(options, (client) => read(client, params, limit));
  if (json) for (const run of runs) printJson(run);
  else if (runs.length > 0) print(...table(HISTORY_HEAD, runs.map(historyRow)));
  else print('no jobs have ended');
  if (hasMore) complain(`older ones are left out: --limit is ${limit}`);
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

export const HISTORY_HEAD = [
  ...['ENDED', 'SOURCE', 'JOB', 'TYPE', 'OUTCOME', 'DURATION', 'SIZE', 'BY', 'ERROR'],
] as const;

export function historyRow(run: HistoryRun): string[] {
  const { end, source, job, type, outcome, durationMs, len, requestedBy, error = '' } = run;
  return [
    shortTime(end),
    source,
    job,
    type ?? '?',
    outcome,
    durationMs === null ? '?' : formatDuration(durationMs),
    len === null ? '?' : formatAmount(len, type),
    requestedBy.join(', '),
    error,
  ];
}
