// `events`: the log, live. One line an event; `--json` for programs.
import { once } from 'node:events';
import { type Command, Option } from 'commander';
import type { Client, SubscribeFilter } from '../client/node.js';
import { compileGlobs } from '../protocol/glob.js';
import { LIMITS } from '../protocol/limits.js';
import type { Cursor, Entry } from '../protocol/types.js';
import { formatDuration } from '../protocol/words.js';
import { CliError, EXIT } from './exit.js';
import { eventLine } from './format.js';
import { jobOption, jsonOption, sourceOption, tokenOption, urlOption } from './options.js';
import { complain, print, printJson } from './output.js';
import { endsWithReader } from './reader.js';
import { refusalOf } from './refusal.js';
import { announceLine, gapLine, type RemoteOptions, withGateway } from './remote.js';
import { isoTime, parseSince, timesIn, utcOption } from './times.js';
import { count, cursor, globs, timeout } from './values.js';

interface EventsOptions extends RemoteOptions {
  type?: string[];
  source?: string[];
  job?: string[];
  after?: Cursor;
  /** Milliseconds since 1970. */
  since?: number;
  tail?: number;
  until?: string[];
  count?: number;
  /** Milliseconds. */
  timeout?: number;
  utc?: boolean;
}

export function addEvents(program: Command): void {
  program
    .command('events')
    .description('print events as they come, until interrupted')
    .option('--type <glob...>', 'only of these types, as BLOCK_JOB_*', globs)
    .addOption(sourceOption())
    .addOption(jobOption())
    .option('--after <cursor>', 'first all that came after this cursor, while it is retained', cursor)
    .addOption(
      new Option('--since <when>', 'first all since then: 30m, 2h, "3d ago", or a time in ISO 8601')
        .argParser((text) => parseSince(text))
        .conflicts('after'),
    )
    .addOption(
      new Option('--tail <count>', 'first the newest so many that match')
        .argParser(count(LIMITS.lastMax))
        .conflicts(['after', 'since']),
    )
    .option('--until <glob...>', 'end after the first event of such a type, which is printed too', globs)
    .option('--count <count>', 'end after so many events', count(Number.MAX_SAFE_INTEGER))
    .option('--timeout <duration>', 'of --until and --count: exit with 3 if it has not come to that by then', timeout)
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway events --type 'BLOCK_JOB_*' --source 'vm*'
  $ qmp-gateway events --since 2h --type 'GATEWAY_JOB_*'
  $ qmp-gateway events --source vm1 --job drive0 --until BLOCK_JOB_READY --timeout 10m
  $ qmp-gateway events --json --type GATEWAY_JOB_SETTLED | jq -c '[.job.id, .data.outcome]'

After a restart of the gateway or a lost connection it resumes from where it was. Where events may be missing, a line on
stderr says so. It exits with 4 only if no gateway was reached at the start.`,
    )
    .action((options: EventsOptions, command: Command) => {
      if (options.timeout !== undefined && !options.until && options.count === undefined)
        command.error('error: --timeout goes with --until or --count', { exitCode: EXIT.usage });
      return withGateway(options, (client) => follow(client, options));
    });
}

/** What is subscribed to: the events of `--until` too, which are then sifted here. */
function filterOf({ type, until, source, job, after, since, tail }: EventsOptions): SubscribeFilter {
  const types = type && [...new Set([...type, ...(until ?? [])])];
  return {
    ...(types && { types }),
    ...(source && { sources: source }),
    ...(job && { jobs: job }),
    ...(after !== undefined && { after }),
    ...(since !== undefined && { from: isoTime(since) }),
    ...(tail !== undefined && { last: tail }),
  };
}

async function follow(client: Client, options: EventsOptions): Promise<void> {
  const times = timesIn(options.utc === true);
  const isLast = options.until ? compileGlobs(options.until) : () => false;
  const isWanted = compileGlobs(options.type);
  let left = options.count ?? Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    const show = (entry: Entry): void => {
      if (left <= 0) return;
      const ends = isLast(entry.type);
      if (!ends && !isWanted(entry.type)) return;
      if (options.json) printJson(entry);
      else print(eventLine(entry, times));
      left = ends ? 0 : left - 1;
      if (left <= 0) resolve();
    };
    client.subscribe(filterOf(options), {
      events: (entries) => entries.forEach(show),
      gap: (gap) => complain(gapLine(gap)),
      truncated: () => complain('the gateway’s log begins later: older events are not kept'),
      error: (error) => reject(refusalOf(error)),
    });
    const { timeout: bound } = options;
    if (bound !== undefined)
      timer = setTimeout(
        () => reject(new CliError(EXIT.timeout, `it has not come to that within ${formatDuration(bound)}`)),
        bound,
      );
  });
  announceLine(client, complain);
  // With an end of its own it is as asked only once that has come: a signal ends the process as one that does not heed it, and no script goes on.
  const hasEnd = options.until !== undefined || options.count !== undefined;
  if (!hasEnd) endsWithReader();
  const interrupted = hasEnd ? [] : [once(process, 'SIGINT'), once(process, 'SIGTERM')];
  await Promise.race([ended, ...interrupted]).finally(() => clearTimeout(timer));
}
