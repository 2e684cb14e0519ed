// `events`: the log, live. One line an event; `--json` for programs.
import { once } from 'node:events';
import { type Command, Option } from 'commander';
import type { Client, SubscribeFilter } from '../client/node.js';
import type { Cursor, Entry } from '../protocol/types.js';
import { CliError, EXIT } from './exit.js';
import { eventLine } from './format.js';
import { complain, print, printJson } from './output.js';
import {
  announceLine,
  gapLine,
  jsonOption,
  type RemoteOptions,
  tokenOption,
  urlOption,
  withGateway,
} from './remote.js';
import { isoTime, parseSince } from './times.js';

interface EventsOptions extends RemoteOptions {
  type?: string[];
  source?: string[];
  job?: string[];
  after?: Cursor;
  /** Milliseconds since 1970. */
  since?: number;
}

export function addEvents(program: Command): void {
  program
    .command('events')
    .description('print events as they come, until interrupted')
    .option('--type <glob...>', 'only of these types, as BLOCK_JOB_*')
    .option('--source <glob...>', 'only of these sources')
    .option('--job <glob...>', 'only of these jobs')
    .option('--after <cursor>', 'first all that came after this cursor, while it is retained')
    .addOption(
      new Option('--since <when>', 'first all since then: 30m, 2h, "3d ago", or a time in ISO 8601')
        .argParser((text) => parseSince(text))
        .conflicts('after'),
    )
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway events --type 'BLOCK_JOB_*' --source 'vm*'
  $ qmp-gateway events --since 2h --type 'GATEWAY_JOB_*'
  $ qmp-gateway events --json --type GATEWAY_JOB_SETTLED | jq -c '[.job.id, .data.outcome]'

After a restart of the gateway or a lost connection it resumes from where it was. Where events may be missing, a line on
stderr says so. It exits with 4 only if no gateway was reached at the start.`,
    )
    .action((options: EventsOptions) => withGateway(options, (client) => follow(client, options)));
}

async function follow(client: Client, options: EventsOptions): Promise<void> {
  const filter: SubscribeFilter = {
    ...(options.type && { types: options.type }),
    ...(options.source && { sources: options.source }),
    ...(options.job && { jobs: options.job }),
    ...(options.after !== undefined && { after: options.after }),
    ...(options.since !== undefined && { from: isoTime(options.since) }),
  };
  const show = (entry: Entry): void => (options.json ? printJson(entry) : print(eventLine(entry)));
  const refused = new Promise<never>((_, reject) => {
    client.subscribe(filter, {
      events: (entries) => entries.forEach(show),
      gap: (gap) => complain(gapLine(gap)),
      truncated: () => complain('the gateway’s log begins later: older events are not kept'),
      error: (error) => reject(new CliError(EXIT.failed, `${error.reason}: ${error.message}`, { cause: error })),
    });
  });
  announceLine(client, complain);
  // `| head` closed stdout: it has what it wanted.
  process.stdout.on('error', () => process.exit(EXIT.ok));
  await Promise.race([refused, once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
