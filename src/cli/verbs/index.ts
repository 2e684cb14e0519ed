// `abort`, `complete`, `pause`, `resume`, `finalize`, `dismiss`, `speed`, `wait`: a verb on one job or many. Each answer is printed as it comes; it
// is what happened, which may differ from what was requested.
import { type Command, Option } from 'commander';
import { type Client, GatewayError } from '../../client/node.js';
import { LIMITS } from '../../protocol/limits.js';
import type { Job } from '../../protocol/types.js';
import { CliError, EXIT, type ExitCode, worstOf } from '../exit.js';
import { jsonOption, tokenOption, urlOption } from '../options.js';
import { complain, print, printJson } from '../output.js';
import { refusalOf, type Target } from '../refusal.js';
import { type RemoteOptions, withGateway } from '../remote.js';
import { duration, run, speed, timeout } from '../values.js';
import { answerLines, codeOf } from './answer.js';
import { type CallOptions, callVerb } from './call.js';
import { showProgress } from './progress.js';
import { findTargets, type Named, wrongNames } from './targets.js';
import { VERB_ROWS, type VerbRow } from './verb-table.js';

interface VerbOptions extends RemoteOptions, CallOptions {
  run?: string;
  quiet?: boolean;
}

/** Calls that wait for their answers at once: less than the gateway allows a connection. */
const PARALLEL = 32;

export function addVerbs(program: Command): void {
  for (const row of VERB_ROWS) addVerb(program, row);
}

function addVerb(program: Command, row: VerbRow): void {
  const command = program.command(row.name).description(row.description);
  if (row.verb === 'setSpeed') command.argument('<speed>', 'bytes a second: 20M, 1.5G, 500000, unlimited', speed);
  command
    .argument('<source>', 'a source or a glob; - reads lines of SOURCE JOB, or of JSON, from stdin')
    .argument('[job...]', 'jobs or globs');
  if (row.waits === 'asked') command.option('--sync', 'wait until the job has ended, and print how');
  if (row.waits)
    command.addOption(
      new Option('--timeout <duration>', 'longest time to wait for each answer')
        .argParser(timeout)
        .default(LIMITS.timeoutDefaultMs, '30s'),
    );
  if (row.verb === 'abort')
    command
      .option('--force', 'end a READY mirror at once instead of letting it finish its copy')
      .option(
        '--escalate-after <duration>',
        'force it if it has not ended this long after QEMU accepted',
        duration(0, LIMITS.timeoutMaxMs),
      );
  if (row.verb !== undefined) command.option('--dry-run', 'say what would happen now, to what and why; send nothing');
  command
    .option('--run <run>', 'only this run of the job id: STALE_RUN if it has another by then', run)
    .option('-q, --quiet', 'print nothing but errors')
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText('after', `\nExamples:${row.example}`)
    .action(async (...given: unknown[]) => {
      const args = given.slice(0, -2);
      const options = given.at(-2) as VerbOptions;
      if (row.verb === 'setSpeed') options.speed = args.shift() as string;
      const [source, jobs] = args as [string, string[]];
      const named = { source, jobs, run: options.run };
      const wrong = wrongNames(named) ?? (options.force && options.escalateAfter !== undefined ? FORCED : undefined);
      if (wrong !== undefined) command.error(`error: ${wrong}`, { exitCode: EXIT.usage });
      process.exitCode = await withGateway(options, (client) => runVerb(client, row, named, options));
    });
}

const FORCED = "--escalate-after can't go with --force: a forced abort has nothing to escalate to";

async function runVerb(client: Client, row: VerbRow, named: Named, options: VerbOptions): Promise<ExitCode> {
  if (options.dryRun) await requireDryRun(client);
  const isMeant = ({ settled }: Job): boolean => (row.verb === 'dismiss') === (settled !== undefined);
  const targets = await findTargets(client, named, isMeant);
  const [only] = targets;
  if (!only) {
    if (!options.quiet) complain('stdin has no jobs: nothing was sent');
    return EXIT.ok;
  }
  if (targets.length === 1) return single(client, row, only, options);
  const codes: ExitCode[] = [];
  const waiting = [...targets];
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target; target = waiting.shift())
      codes.push(await oneOfMany(client, row, target, options));
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, targets.length) }, work));
  return worstOf(codes);
}

async function single(client: Client, row: VerbRow, target: Target, options: VerbOptions): Promise<ExitCode> {
  const waits = row.waits === 'always' || options.sync === true;
  const done = waits && !options.quiet && process.stderr.isTTY ? showProgress(client, target) : undefined;
  return ask(client, row, target, options).finally(() => done?.());
}

/** A refusal of one does not end the others. */
async function oneOfMany(client: Client, row: VerbRow, target: Target, options: VerbOptions): Promise<ExitCode> {
  try {
    return await ask(client, row, target, options);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const [first = '', ...more] = error.lines;
    complain(`${target.source} ${target.job}: ${first}`, ...more);
    return error.code;
  }
}

async function ask(client: Client, row: VerbRow, target: Target, options: VerbOptions): Promise<ExitCode> {
  const answer = await callVerb(client, row, target, options).catch((error: unknown) => {
    throw error instanceof GatewayError ? refusalOf(error, target, row.verb === undefined) : error;
  });
  if (options.json) printJson(answer);
  else if (!options.quiet) print(...answerLines(answer, row));
  return codeOf(answer, row.good);
}

async function requireDryRun(client: Client): Promise<void> {
  const { version, features = [] } = await client.info();
  if (!features.includes('dryRun'))
    throw new CliError(EXIT.failed, `the gateway (${version}) is too old for --dry-run: nothing was sent`);
}
