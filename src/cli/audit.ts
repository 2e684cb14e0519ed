// `audit`: who did what to which job, as far as the gateway's log reaches back.
import type { Command } from 'commander';
import type { Client } from '../client/node.js';
import { beginningOf, parseCursor } from '../protocol/cursor.js';
import { compileGlobs } from '../protocol/glob.js';
import { LIMITS } from '../protocol/limits.js';
import type { Entry } from '../protocol/types.js';
import { formatDuration } from '../protocol/words.js';
import { AUDIT_HEAD, auditRows, isAudited, selectAudited } from './audit-rows.js';
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

It has what was written to QEMU and is still in the gateway's log, which keeps 15 minutes, and with "serve --data" a week, unless it is
configured otherwise. Attempts that were refused, and addresses, are in the operator's own log alone: journalctl -u qmp-gateway, the lines with "audit".`,
    )
    .action(audit);
}

async function audit(options: AuditOptions): Promise<void> {
  const { entries, reach } = await withGateway(options, (client) => readLog(client, options.since));
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
  complain(...reachLines(reach, times));
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

/** How far back the answer goes, where that is not as far as it was asked for; `undefined`: it is. */
type Reach = { from: string; why: 'where this log begins' | 'older entries are not kept' } | 'no entry' | undefined;

function reachLines(reach: Reach, times: Times): string[] {
  if (reach === undefined) return [];
  if (reach === 'no entry') return ['the gateway’s log has no entry'];
  const age = formatDuration(Math.max(0, Date.now() - Date.parse(reach.from)));
  return [`the log reaches back to ${times.second(reach.from)} (${age}): ${reach.why}`];
}

interface Audited {
  entries: Entry[];
  reach: Reach;
}

/** What an audit needs of the log. All entries up to now are read, since the newest one shows that this is the present; most are not kept. */
async function readLog(client: Client, since: number | undefined): Promise<Audited> {
  const { cursor, bookmarkMs, features = [] } = await client.info();
  const nothing: Audited = { entries: [], reach: 'no entry' };
  if (cursor === beginningOf(cursor)) return nothing;
  const [newest] = (await collect(client, { last: 1 }, 0, bookmarkMs)).entries;
  if (!newest) return nothing;
  // A gateway without `from` gives the newest 10,000.
  const begin = features.includes('from') ? { from: new Date(since ?? 0).toISOString() } : { last: LIMITS.lastMax };
  const { entries, first, isTruncated } = await collect(client, begin, newest.offset, bookmarkMs);
  const audited = entries.filter(isAudited);
  if (first === undefined || first.time === null) return { entries: audited, reach: undefined };
  const isAsFar = since !== undefined && (Date.parse(first.time) <= since || !(isTruncated || first.offset === 1));
  // Offsets begin at 1.
  const why = first.offset === 1 ? 'where this log begins' : 'older entries are not kept';
  return { entries: audited, reach: isAsFar ? undefined : { from: first.time, why } };
}

interface Collected {
  /** The audited ones, and the last one. */
  entries: Entry[];
  /** The first one that has a time. */
  first: Entry | undefined;
  isTruncated: boolean;
}

/**
 * The entries from `begin` up to the offset `upTo`, or to the first one at all if that is 0. Where the client may see none of them none comes: after `waitMs`
 * without one it is what has come.
 */
function collect(
  client: Client,
  begin: { last: number } | { from: string },
  upTo: number,
  waitMs: number,
): Promise<Collected> {
  const collected: Collected = { entries: [], first: undefined, isTruncated: false };
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      resolve(collected);
    };
    let timer = setTimeout(end, waitMs);
    const subscription = client.subscribe(begin, {
      events: (batch) => {
        collected.first ??= batch.find(({ time }) => time !== null);
        const last = batch.find(({ offset }) => offset >= upTo);
        collected.entries.push(...batch.filter((entry) => entry === last || isAudited(entry)));
        if (last) return end();
        clearTimeout(timer);
        timer = setTimeout(end, waitMs);
      },
      // `from` may be a time after the newest entry.
      position: (cursor) => {
        if (upTo > 0 && (parseCursor(cursor)?.offset ?? 0) >= upTo) end();
      },
      truncated: () => {
        collected.isTruncated = true;
      },
      // What has come may lack something now.
      gap: () => reject(new CliError(EXIT.failed, 'the gateway restarted, or dropped entries meanwhile: ask again')),
      error: (error) => reject(new CliError(EXIT.failed, `${error.reason}: ${error.message}`, { cause: error })),
    });
  });
}
