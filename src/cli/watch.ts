// `watch`: a bar for each job, and endings above the bars; plain lines if stdout is not a terminal.
import { once } from 'node:events';
import type { Command } from 'commander';
import type { Client } from '../client/node.js';
import { openBars } from './bars.js';
import { openBoard } from './board.js';
import { eventLine } from './format.js';
import { percent } from './job-columns.js';
import { sourceOption, tokenOption, urlOption } from './options.js';
import { complain, print } from './output.js';
import { endsWithReader } from './reader.js';
import { announceLine, gapLine, type RemoteOptions, withGateway } from './remote.js';
import { KEPT, runBoard } from './run-board.js';
import { timesIn, utcOption } from './times.js';

interface WatchOptions extends RemoteOptions {
  source?: string[];
  utc?: boolean;
}

export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('live progress of all jobs, until interrupted')
    .addOption(sourceOption())
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText(
      'after',
      `
Keys: up and down (or k and j), page up and page down choose a job; a aborts it, f aborts it with force, both after a
question that y answers; q quits.`,
    )
    .action((options: WatchOptions) =>
      withGateway(options, (client) => (process.stdout.isTTY ? bars(client, options) : lines(client, options))),
    );
}

const filterOf = ({ source }: WatchOptions) => ({ ...(source && { sources: source }), progress: 500 });

async function lines(client: Client, options: WatchOptions): Promise<void> {
  const times = timesIn(options.utc === true);
  client.subscribe(
    { ...filterOf(options), progress: 5_000 },
    {
      events: (entries) => {
        for (const entry of entries)
          if (KEPT.includes(entry.type) || entry.type === 'JOB_STATUS_CHANGE') print(eventLine(entry, times));
      },
      progress: (rows) => print(...rows.map((row) => `${row.source}  ${row.job}  ${row.status}  ${percent(row)}`)),
      gap: (gap) => print(gapLine(gap)),
    },
  );
  announceLine(client, complain);
  endsWithReader();
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

const bars = (client: Client, options: WatchOptions): Promise<void> =>
  runBoard(client, filterOf(options), timesIn(options.utc === true), (table) =>
    openBoard(process.stdout, client, table, openBars(process.stdout), {
      keys: 'up/down choose · a abort · f abort by force · q quit',
      verbs: { a: { verb: 'abort' }, f: { verb: 'abort', force: true } },
    }),
  );
