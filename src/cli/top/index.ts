// `top`: a live board of sources and jobs in a terminal, with the verbs as keys.
import type { Command } from 'commander';
import { openBoard } from '../board.js';
import { CliError, EXIT } from '../exit.js';
import { hasColour } from '../list.js';
import { sourceOption, tokenOption, urlOption } from '../options.js';
import { type RemoteOptions, withGateway } from '../remote.js';
import { runBoard } from '../run-board.js';
import { timesIn, utcOption } from '../times.js';
import { openScreen } from './screen.js';

interface TopOptions extends RemoteOptions {
  source?: string[];
  utc?: boolean;
}

/** At most 58 characters each. */
const HELP = [
  'up, down, k, j, page up, page down  choose a job',
  'a abort   f abort by force   c complete   p pause',
  'r resume  z finalize         d dismiss',
  'y sends what is asked for, any other key does not',
  'o next order: name, type, status, done, size, left',
  '? this help   q quit',
];

export function addTop(program: Command): void {
  program
    .command('top')
    .description('a live board of sources and jobs, with the verbs as keys')
    .addOption(sourceOption())
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText('after', `\nKeys:\n${HELP.map((line) => `  ${line}`).join('\n')}`)
    .action((options: TopOptions) => {
      if (!process.stdout.isTTY)
        throw new CliError(EXIT.usage, 'top needs a terminal; for programs: qmp-gateway jobs --watch -o jsonl');
      const { source, url, utc } = options;
      const filter = { ...(source && { sources: source }), progress: 500 };
      return withGateway(options, (client) =>
        runBoard(client, filter, timesIn(utc === true), (table) => {
          const state = () => ({ url, sources: [...table().sources.values()] });
          return openBoard(
            process.stdout,
            client,
            table,
            openScreen(process.stdout, state, hasColour(process.stdout)),
            {
              keys: '? help · q quit · a abort · c complete · p pause · r resume',
              verbs: {
                a: { verb: 'abort' },
                f: { verb: 'abort', force: true },
                c: { verb: 'complete' },
                p: { verb: 'pause' },
                r: { verb: 'resume' },
                z: { verb: 'finalize' },
                d: { verb: 'dismiss' },
              },
              help: HELP,
              isTop: true,
            },
          );
        }),
      );
    });
}
