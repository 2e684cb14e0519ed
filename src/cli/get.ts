// `get`: one job as a fresh query shows it, or a run that has ended.
import type { Command } from 'commander';
import { GatewayError } from '../client/node.js';
import { decisionOf, offeredVerbs } from '../protocol/rules.js';
import type { Job, SourceInfo } from '../protocol/types.js';
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
      const [found, sources] = await withGateway(options, (client) =>
        // A domain of libvirt has not every verb.
        Promise.all([client.jobGet(target), options.json ? [] : client.sources()]).catch((error: unknown) => {
          throw error instanceof GatewayError ? refusalOf(error, target) : error;
        }),
      );
      if (options.json) return printJson(found);
      const its = sources.find(({ name }) => name === source);
      print(...jobLines(found, timesIn(options.utc === true), its));
    });
}

/** A figure a line. @param of its source; by default one with every verb. */
export function jobLines(job: Job, times: Times, of?: Pick<SourceInfo, 'verbs'>): string[] {
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
      offeredVerbs(job, of)
        .map((verb) => (verb === 'setSpeed' ? 'speed' : verb))
        .join(' ') || 'none',
    ],
    ['as of', times.second(updated)],
  ];
  const shown = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
