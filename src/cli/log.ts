// `log check` and `log export`: the folder of a log on disk, without a gateway.
import { type Command, Option } from 'commander';
import type { ExportedEntry, InspectedFile, InspectedFolder } from '../log/index.js';
import { compileGlobs } from '../protocol/glob.js';
import { formatBytes } from '../protocol/words.js';
import { plainColumns, tableOf } from './columns.js';
import { CliError, EXIT } from './exit.js';
import { jsonOption, sourceOption } from './options.js';
import { print, printJson } from './output.js';
import { isoTime, parseSince, type Times, timesIn, utcOption } from './times.js';

/** Loaded by these commands alone. */
const loadLog = () => import('../log/index.js');

export function addLog(program: Command): void {
  const log = program.command('log').description('look into the folder of a log on disk (serve --data)');
  log
    .command('check')
    .description('verify the files of a folder that no gateway uses, or of a copy; changes nothing')
    .argument('<folder>')
    .addOption(utcOption())
    .addOption(jsonOption())
    .action(check);
  log
    .command('export')
    .description('print the entries of a folder, which a gateway may be using; changes nothing')
    .argument('<folder>')
    .option('--since <when>', 'written since then: 2h, 3d, or a time in ISO 8601', (text) => parseSince(text))
    .addOption(sourceOption())
    .addOption(new Option('--format <format>', 'of a line').choices(['json', 'cloudevents']).default('json'))
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway log export /var/lib/qmp-gateway --since 1d | jq -r '[.time, .source, .type] | @tsv'
  $ qmp-gateway log export backup/ --format cloudevents --source 'vm*' > events.jsonl`,
    )
    .action(exportLog);
}

async function check(folder: string, { json, utc }: { json?: boolean; utc?: boolean }): Promise<void> {
  const { inspectFolder } = await loadLog();
  const found = await inspectFolder(folder).catch((error: unknown) => fail(folder, error));
  if (json) printJson({ folder, ok: found.problems.length === 0, ...found });
  else print(...checkLines(found, timesIn(utc === true)));
  if (found.problems.length > 0) throw new CliError(EXIT.failed, [`${folder} is damaged`, ...found.problems]);
}

const HEAD = ['FILE', 'STATE', 'SIZE', 'ENTRIES', 'FIRST', 'LAST', 'WRITTEN FROM', 'TO'] as const;

function checkLines({ state, checkpoint, files, notes }: InspectedFolder, times: Times): string[] {
  const how = state && (state.isClean ? 'ended by itself' : 'was killed, or runs elsewhere');
  const covers = checkpoint.kind === 'read' ? `up to ${checkpoint.offset}` : checkpoint.kind;
  return [
    state ? `epoch ${state.epoch}, after offset ${state.floor}; its gateway ${how}` : 'no state.json',
    `checkpoint: ${covers}`,
    ...(files.length > 0
      ? tableOf(
          plainColumns(HEAD),
          files.map((file) => row(file, times)),
        )
      : ['no files']),
    ...notes,
  ];
}

function row(
  { name, state, bytes, entries, firstOffset, lastOffset, firstAt, lastAt }: InspectedFile,
  times: Times,
): string[] {
  const time = (at: number | null): string => (at === null ? '' : times.second(isoTime(at)));
  const offsets = [firstOffset, lastOffset].map((each) => (each === null ? '' : String(each)));
  return [name, state, formatBytes(bytes), String(entries), ...offsets, time(firstAt), time(lastAt)];
}

interface ExportOptions {
  since?: number;
  source?: string[];
  format: 'json' | 'cloudevents';
}

async function exportLog(folder: string, { since = 0, source, format }: ExportOptions): Promise<void> {
  const { exportEntries } = await loadLog();
  const wants = compileGlobs(source);
  const damages: string[] = [];
  try {
    for await (const each of exportEntries(folder, since, (file, state) => damages.push(`${file} is ${state}`))) {
      if (!wants(each.entry.source)) continue;
      const line = format === 'json' ? each.json : JSON.stringify(cloudEvent(each));
      if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  } catch (error) {
    await fail(folder, error);
  }
  if (damages.length > 0) throw new CliError(EXIT.failed, ['some entries could not be read', ...damages]);
}

/** CloudEvents 1.0. An entry of an earlier epoch has its offset alone as the id: offsets go on from epoch to epoch. */
export function cloudEvent({ entry, cursor, offset }: ExportedEntry): object {
  const { source, type, time, job, repeated, data } = entry;
  return {
    specversion: '1.0',
    id: cursor ?? `:${offset}`,
    source: `qmp-gateway/${source}`,
    type,
    ...(time !== null && { time }),
    ...(job && { subject: job.id, run: job.run }),
    ...(repeated !== undefined && { repeated }),
    datacontenttype: 'application/json',
    data,
  };
}

async function fail(folder: string, error: unknown): Promise<never> {
  const { FolderInUse } = await loadLog();
  if (error instanceof FolderInUse)
    throw new CliError(EXIT.failed, [error.message, '  hint: check a copy of it, or stop the gateway'], {
      cause: error,
    });
  const text = error instanceof Error ? error.message : String(error);
  throw new CliError(EXIT.failed, `${folder}: ${text}`, { cause: error });
}
