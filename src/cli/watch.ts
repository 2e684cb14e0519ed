// `watch`: all jobs, live. In: a terminal and its keys. Out: a bar a job, and what ends above them; plain lines where stdout is no terminal.
import { once } from 'node:events';
import { emitKeypressEvents } from 'node:readline';
import type { Command } from 'commander';
import { type Client, foldEvents, foldProgress, GatewayError, type JobTable, tableOf } from '../client/node.js';
import type { Entry, Job } from '../protocol/types.js';
import { openBars } from './bars.js';
import { eventLine, percent } from './format.js';
import { type RemoteOptions, urlOption, withGateway } from './remote.js';

interface WatchOptions extends RemoteOptions {
  source?: string[];
}

/** What is worth a line that stays. */
const TOLD = [
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
    .addHelpText(
      'after',
      '\nKeys: up and down (or k and j) choose a job, a aborts it, f aborts it with force, q quits.',
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
          if (TOLD.includes(entry.type) || entry.type === 'JOB_STATUS_CHANGE') console.log(eventLine(entry));
      },
      progress: (rows) => {
        for (const { source, job, status, len, offset } of rows)
          console.log(`${source}  ${job}  ${status}  ${percent(len, offset)}`);
      },
      gap: ({ reason }) => console.log(`gap: ${reason}`),
    },
  );
  process.stdout.on('error', () => process.exit(0));
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

async function bars(client: Client, options: WatchOptions): Promise<void> {
  const drawn = openBars(process.stdout);
  let table: JobTable = tableOf({ jobs: [], settled: [], sources: [], cursor: '' });
  let chosen: string | undefined;
  const present = (): Job[] => [...table.jobs.values()].filter((job) => !job.settled);
  const draw = (): void => {
    const jobs = present();
    if (!jobs.some(({ run }) => run === chosen)) chosen = jobs[0]?.run;
    drawn.draw(jobs, chosen);
  };
  client.subscribe(filterOf(options), {
    snapshot: (snapshot) => {
      table = tableOf(snapshot);
      if (snapshot.reason !== 'initial') drawn.log(`gap: ${snapshot.reason}; this is the present`);
      draw();
    },
    events: (entries: readonly Entry[], cursor) => {
      table = foldEvents(table, entries, cursor);
      for (const entry of entries) if (TOLD.includes(entry.type)) drawn.log(eventLine(entry));
      draw();
    },
    progress: (rows) => {
      table = foldProgress(table, rows, new Date().toISOString());
      draw();
    },
  });
  client.onState((state) => {
    if (state.phase === 'waiting') drawn.log(`line lost (${state.reason.detail || state.reason.cause}); trying again`);
  });

  const abort = async (force: boolean): Promise<void> => {
    const job = present().find(({ run }) => run === chosen);
    if (!job) return;
    try {
      await client.abort({ source: job.source, job: job.job, run: job.run, force });
      drawn.log(`${job.source}/${job.job}: abort requested`);
    } catch (error) {
      const hint = error instanceof GatewayError ? (error.data as { hint?: string } | undefined)?.hint : undefined;
      drawn.log(
        `${job.source}/${job.job}: ${error instanceof Error ? error.message : String(error)}${hint ? ` (${hint})` : ''}`,
      );
    }
  };
  const move = (by: number): void => {
    const jobs = present();
    const at = jobs.findIndex(({ run }) => run === chosen);
    chosen = jobs[(at + by + jobs.length) % Math.max(1, jobs.length)]?.run;
    draw();
  };
  const quit = keys({
    up: () => move(-1),
    k: () => move(-1),
    down: () => move(1),
    j: () => move(1),
    a: () => void abort(false),
    f: () => void abort(true),
  });
  await Promise.race([quit, once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  drawn.stop();
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.pause();
}

/** Resolves at q, escape or ctrl-c. */
function keys(bindings: Readonly<Record<string, () => void>>): Promise<void> {
  return new Promise((resolve) => {
    if (!process.stdin.isTTY) return;
    emitKeypressEvents(process.stdin);
    process.stdin.setRawMode(true);
    process.stdin.on('keypress', (_text: string | undefined, key: { name?: string; ctrl?: boolean }) => {
      if (key.name === 'q' || key.name === 'escape' || (key.ctrl && key.name === 'c')) resolve();
      else bindings[key.name ?? '']?.();
    });
  });
}
