// `get`: one job as a fresh query shows it, or a run that has ended.
import type { Command } from 'commander';
import { GatewayError } from '../client/node.js';
import { decisionOf, offeredVerbs } from '../protocol/rules.js';
import type { Job } from '../protocol/types.js';
import { formatDone, formatLimit, summarizeSettlement } from '../protocol/words.js';
import { hasFigures, percent } from './job-columns.js';
import { jsonOption, tokenOption, urlOption } from './options.js';
import { print, printJson } from './output.js';
import { refusalOf } from './refusal.js';
import { type RemoteOptions, withGateway } from './remote.js';
import { type Times, timesIn, utcOption } from './times.js';
import { run as parseRun } from './values.js';

export function addGet(program: Command): void {
  program
    .command('get')
    .description('print one job as a fresh query shows it, or a run that has ended')
    .argument('<source>')
    .argument('<job>')
    .option('--run <run>', 'this run; default: the live one', parseRun)
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ qmp-gateway get vm1 drive0\n\nWhat has happened to it: qmp-gateway show SOURCE JOB.',
    )
    .action(async (source: string, job: string, options: RemoteOptions & { run?: string; utc?: boolean }) => {
      const target = { source, job, ...(options.run !== undefined && { run: options.run }) };
      const found = await withGateway(options, (client) =>
        client.jobGet(target).catch((error: unknown) => {
          throw error instanceof GatewayError ? refusalOf(error, target) : error;
        }),
      );
      if (options.json) printJson(found);
      else print(...jobLines(found, timesIn(options.utc === true)));
    });
}

/** A figure a line. */
export function jobLines(job: Job, times: Times): string[] {
  const { source, run, type, status, speed, ioStatus, error, settled, updated } = job;
  const decision = decisionOf(job);
  const rows: [string, string | undefined][] = [
    ['job', `${job.job} of ${source}`],
    ['run', run],
    ['type', type ?? '?'],
    ['status', settled?.dismissed ? 'ended' : status],
    ['done', hasFigures(job) ? `${percent(job)}, ${formatDone(job)}` : '—'],
    ['limit', hasFigures(job) ? formatLimit(speed) : '—'],
    ['I/O', ioStatus],
    ['error', error],
    ['waits for', decision],
    ['ended', settled && summarizeSettlement(settled)],
    [
      'verbs',
      offeredVerbs(job)
        .map((verb) => (verb === 'setSpeed' ? 'speed' : verb))
        .join(' ') || 'none',
    ],
    ['as of', times.second(updated)],
  ];
  const shown = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
