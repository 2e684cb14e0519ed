// `audit`: who did what to which job, as far as the gateway's log reaches back.
import type { Command } from 'commander';
import type { Client } from '../client/node.js';
import { beginningOf } from '../protocol/cursor.js';
import { compileGlobs } from '../protocol/glob.js';
import { LIMITS } from '../protocol/limits.js';
import type { Entry } from '../protocol/types.js';
import { formatDuration } from '../protocol/words.js';
import { AUDIT_HEAD, auditRows, selectAudited } from './audit-rows.js';
import { plainColumns } from './columns.js';
import { CliError, EXIT } from './exit.js';
import { tableLines } from './list.js';
import { jobOption, jsonOption, sourceOption, tokenOption, urlOption } from './options.js';
import { complain, print, printJson, printPainted } from './output.js';
import { type RemoteOptions, withGateway } from './remote.js';
import { parseSince, type Times, timesIn, utcOption } from './times.js';
import { globs } from './values.js';

interface AuditOptions extends RemoteOptions {
  /** Milliseconds since 1970. */
  since?: number;
  source?: string[];
  job?: string[];
  by?: string[];
  utc?: boolean;
}

export function addAudit(program: Command): void {
  program
    .command('audit')
    .description('print who asked for what, what QEMU answered, and how the jobs ended')
    .option('--since <when>', '30m, 2h, 3d, or a time in ISO 8601; default: all that is retained', (text) =>
      parseSince(text),
    )
    .addOption(sourceOption())
    .addOption(jobOption())
    .option('--by <glob...>', 'only what these principals asked for', globs)
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ qmp-gateway audit --since 10m --by 'ci*'
  $ qmp-gateway audit --json | jq -c 'select(.type == "GATEWAY_COMMAND") | [.time, .data.by, .data.verb, .job.id]'

It has what was written to QEMU and is still in the gateway's log, which keeps 15 minutes unless it is configured otherwise. Attempts
that were refused, and addresses, are in the operator's own log alone: journalctl -u qmp-gateway, the lines with "audit".`,
    )
    .action(audit);
}

async function audit(options: AuditOptions): Promise<void> {
  const { entries, isWhole } = await withGateway(options, readLog);
  const selected = selectAudited(entries, {
    since: options.since,
    source: compileGlobs(options.source),
    job: compileGlobs(options.job),
    by: compileGlobs(options.by),
  });
  const times = timesIn(options.utc === true);
  if (options.json) for (const entry of selected) printJson(entry);
  else if (selected.length > 0) printPainted(...tableLines(COLUMNS, auditRows(selected, times), {}));
  else print('no commands');
  complain(...reachLines(entries, isWhole, options.since, times));
  if (!options.json)
    complain(
      'refused attempts and addresses are in the operator’s log alone: journalctl -u qmp-gateway, lines with "audit"',
    );
}

/** WHO, ANSWER and OUTCOME may be long. */
const COLUMNS = plainColumns(AUDIT_HEAD).map((column) => ({
  ...column,
  isName: ['WHO', 'SOURCE', 'JOB', 'ANSWER', 'OUTCOME'].includes(column.head),
}));

/** What is not in the answer although it was asked for. */
function reachLines(entries: readonly Entry[], isWhole: boolean, since: number | undefined, times: Times): string[] {
  const oldest = entries.find(({ time }) => time !== null)?.time ?? undefined;
  if (oldest === undefined) return ['the gateway’s log has no entry'];
  const begin = Date.parse(oldest);
  if (since !== undefined && begin <= since) return [];
  const age = formatDuration(Math.max(0, Date.now() - begin));
  const why = isWhole ? 'where this log begins' : 'older entries are not kept, or are beyond the newest 10,000';
  return [`the log reaches back to ${times.second(oldest)} (${age}): ${why}`];
}

interface Retained {
  entries: Entry[];
  /** Nothing since the beginning of the log is missing. */
  isWhole: boolean;
}

/** Every entry that the gateway gives up to now, of all types: the oldest says how far back the log reaches, the newest that this is the present. */
async function readLog(client: Client): Promise<Retained> {
  const info = await client.info();
  if (info.cursor === beginningOf(info.cursor)) return { entries: [], isWhole: true };
  const newest = (await collect(client, 1, () => true, info.bookmarkMs)).at(-1);
  if (!newest) return { entries: [], isWhole: false };
  const isPresent = ({ offset }: Entry): boolean => offset >= newest.offset;
  const entries = await collect(client, LIMITS.lastMax, isPresent, info.bookmarkMs);
  // Offsets begin at 1.
  return { entries, isWhole: entries[0]?.offset === 1 };
}

/**
 * The newest `last` entries, up to the one that `isEnough` accepts. Where the client may see none of them none comes: after `waitMs` without one it
 * is what has come.
 */
function collect(client: Client, last: number, isEnough: (entry: Entry) => boolean, waitMs: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      resolve(entries);
    };
    let timer = setTimeout(end, waitMs);
    const subscription = client.subscribe(
      { last },
      {
        events: (batch) => {
          entries.push(...batch);
          if (batch.some(isEnough)) return end();
          clearTimeout(timer);
          timer = setTimeout(end, waitMs);
        },
        // What has come may lack something now.
        gap: () => reject(new CliError(EXIT.failed, 'the gateway restarted, or dropped entries meanwhile: ask again')),
        error: (error) => reject(new CliError(EXIT.failed, `${error.reason}: ${error.message}`, { cause: error })),
      },
    );
  });
}
