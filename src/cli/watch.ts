// `watch`: a bar for each job, and endings above the bars; plain lines if stdout is not a terminal.
import { once } from 'node:events';
import type { Command } from 'commander';
import { type Client, foldEvents, foldProgress, type JobTable, tableOf } from '../client/node.js';
import type { Entry } from '../protocol/types.js';
import { openBoard } from './board.js';
import { eventLine, percent } from './format.js';
import { readKeys } from './keys.js';
import { complain, print } from './output.js';
import { announceLine, gapLine, type RemoteOptions, tokenOption, urlOption, withGateway } from './remote.js';

interface WatchOptions extends RemoteOptions {
  source?: string[];
}

/** Changes that are printed as lines that stay. */
const KEPT = [
  'GATEWAY_JOB_SETTLED',
  'GATEWAY_JOB_ATTENTION',
  'BLOCK_JOB_READY',
  'GATEWAY_SOURCE_UP',
  'GATEWAY_SOURCE_DOWN',
];

export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('live progress of all jobs, until interrupted')
    .option('--source <glob...>', 'only of these sources')
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
  client.subscribe(
    { ...filterOf(options), progress: 5_000 },
    {
      events: (entries) => {
        for (const entry of entries)
          if (KEPT.includes(entry.type) || entry.type === 'JOB_STATUS_CHANGE') print(eventLine(entry));
      },
      progress: (rows) => print(...rows.map((row) => `${row.source}  ${row.job}  ${row.status}  ${percent(row)}`)),
      gap: (gap) => print(gapLine(gap)),
    },
  );
  announceLine(client, complain);
  process.stdout.on('error', () => process.exit(0));
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

async function bars(client: Client, options: WatchOptions): Promise<void> {
  let table: JobTable = tableOf({ jobs: [], settled: [], sources: [], cursor: '' });
  const board = openBoard(process.stdout, client, () => table);
  client.subscribe(filterOf(options), {
    gap: (gap) => board.log(gapLine(gap)),
    snapshot: (snapshot) => {
      table = tableOf(snapshot);
      board.draw();
    },
    events: (entries: readonly Entry[], cursor) => {
      table = foldEvents(table, entries, cursor);
      for (const entry of entries) if (KEPT.includes(entry.type)) board.log(eventLine(entry));
      board.draw();
    },
    progress: (rows) => {
      table = foldProgress(table, rows, new Date().toISOString());
      board.draw();
    },
  });
  announceLine(client, board.log);
  const quit = readKeys(board.press);
  await Promise.race([quit.pressed, once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  board.close();
  quit.stop();
}
