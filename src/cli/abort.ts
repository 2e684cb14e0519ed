// `abort`: cancels a job and, with --sync, waits for its end. Prints what happened, which may differ from what was requested.
import { type Command, InvalidArgumentError } from 'commander';
import ms, { type StringValue } from 'ms';
import { type Client, foldEvents, foldProgress, type JobTable, tableOf } from '../client/node.js';
import type { AbortParams, Requested, Settled } from '../protocol/methods.js';
import { describePivot, HOLDS_ID_TEXT, PROVENANCE_TEXT } from '../protocol/words.js';
import { openBars } from './bars.js';
import { EXIT, type ExitCode } from './exit.js';
import { print, printJson } from './output.js';
import { jsonOption, type RemoteOptions, tokenOption, urlOption, withGateway } from './remote.js';

interface AbortOptions extends RemoteOptions {
  sync?: boolean;
  timeout: number;
  force?: boolean;
  run?: string;
  escalateAfter?: number;
}

/** `30s`, `5m`, `250ms`, or milliseconds. */
export function parseDuration(text: string): number {
  const value = /^[\d.]+\s*[a-z]*$/i.test(text) ? ms(text as StringValue) : undefined;
  if (value === undefined || !Number.isFinite(value))
    throw new InvalidArgumentError('expected a duration as 30s, 5m or 250ms');
  return Math.round(value);
}

export function addAbort(program: Command): void {
  program
    .command('abort')
    .description('cancel a job')
    .argument('<source>')
    .argument('<job>')
    .option('--sync', 'wait until the job has ended, and print how')
    .option('--timeout <duration>', 'longest time to wait for the answer', parseDuration, 30_000)
    .option('--force', 'end a READY mirror at once instead of letting it finish its copy')
    .option('--escalate-after <duration>', 'force it if it has not ended this long after QEMU accepted', parseDuration)
    .option('--run <run>', 'only this run of the job id; the request is then repeated if the connection is lost')
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway abort vm1 drive0 --sync --timeout 2m
  $ qmp-gateway abort vm1 drive0 --sync --escalate-after 10s

Without --run it concerns the run that is live when the gateway receives it: JOB_NOT_FOUND if there is none.

Exit: 0 accepted, or ended (cancelled or completed) · 1 refused or failed · 2 wrong usage · 3 the bound passed
      4 no gateway · 5 the result is unknown`,
    )
    .action(async (source: string, job: string, options: AbortOptions) => {
      const params: AbortParams = {
        source,
        job,
        timeoutMs: options.timeout,
        ...(options.sync && { sync: true }),
        ...(options.force && { force: true }),
        ...(options.run !== undefined && { run: options.run }),
        ...(options.escalateAfter !== undefined && { escalateAfterMs: options.escalateAfter }),
      };
      const result = await withGateway(options, (client) => {
        const waiting = options.sync && process.stderr.isTTY ? showProgress(client, source, job) : undefined;
        return client.abort(params).finally(() => waiting?.());
      });
      if (options.json) printJson(result);
      else print(...sentence(result));
      process.exitCode = exitCode(result);
    });
}

/** Draws the job's bar on stderr while its end is awaited; stdout has the result only. */
function showProgress(client: Client, source: string, job: string): () => void {
  const bars = openBars(process.stderr);
  let table: JobTable = tableOf({ jobs: [], settled: [], sources: [], cursor: '' });
  const draw = (next: JobTable): void => {
    table = next;
    bars.draw({ jobs: [...table.jobs.values()].filter((each) => each.source === source && each.job === job) });
  };
  const subscription = client.subscribe(
    { sources: [source], jobs: [job], progress: 250 },
    {
      snapshot: (snapshot) => draw(tableOf(snapshot)),
      events: (entries, cursor) => draw(foldEvents(table, entries, cursor)),
      progress: (rows) => draw(foldProgress(table, rows, new Date().toISOString())),
    },
  );
  return () => {
    subscription.unsubscribe();
    bars.stop();
  };
}

function sentence(result: Requested | Settled): string[] {
  const what = `${result.source} ${result.job}`;
  if (result.status === 'requested')
    return [`requested: QEMU has accepted to cancel ${what}; its end is in the events after ${result.cursor}`];
  const { outcome, provenance, pivoted, dismissed, error } = result;
  const parts: string[] = [];
  if (error !== undefined) parts.push(`error: ${error}`);
  if (outcome === 'completed' || pivoted !== false) parts.push(describePivot(pivoted));
  if (provenance !== 'observed') parts.push(PROVENANCE_TEXT[provenance]);
  if (!dismissed) parts.push(HOLDS_ID_TEXT);
  return [`${outcome}: ${what}`, ...parts.map((part) => `  ${part}`)];
}

function exitCode(result: Requested | Settled): ExitCode {
  if (result.status === 'requested') return EXIT.ok;
  if (result.outcome === 'lost') return EXIT.unknown;
  return result.outcome === 'failed' ? EXIT.failed : EXIT.ok;
}
