// `audit`: who did what to which job, as far as the gateway's log reaches back.
import type { Command } from 'commander';
import type { Client } from '../client/node.js';
import { beginningOf, compareCursors, parseCursor } from '../protocol/cursor.js';
import { compileGlobs } from '../protocol/glob.js';
import { LIMITS } from '../protocol/limits.js';
import type { Cursor, Entry } from '../protocol/types.js';
import { formatDuration } from '../protocol/words.js';
import { AUDIT_HEAD, auditRows, isAudited, selectAudited } from './audit-rows.js';
import { plainColumns } from './columns.js';
import { CliError, EXIT } from './exit.js';
import { tableLines } from './list.js';
import { jobOption, jsonOption, sourceOption, tokenOption, urlOption } from './options.js';
import { complain, print, printJson, printPainted } from './output.js';
import { refusalOf } from './refusal.js';
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
  const { cursor: head, bookmarkMs, features = [] } = await client.info();
  const nothing: Audited = { entries: [], reach: 'no entry' };
  if (head === beginningOf(head)) return nothing;
  const { entries: newest, isTruncated: isUnsure } = await collect(client, { last: 1 }, { head, upTo: 0, bookmarkMs });
  const [end] = newest;
  // Older entries may be there where the gateway has not examined all for the newest one.
  if (!end && !isUnsure) return nothing;
  // A gateway without `from` gives the newest 10,000.
  const begin = features.includes('from') ? { from: new Date(since ?? 0).toISOString() } : { last: LIMITS.lastMax };
  const upTo = end?.offset ?? Number.POSITIVE_INFINITY;
  const { entries, first, isTruncated } = await collect(client, begin, { head, upTo, bookmarkMs });
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

interface Bound {
  /** Where the log ended when the audit began. */
  head: Cursor;
  /** The offset of the last entry that is wanted, where it is known; 0: the first that comes. */
  upTo: number;
  /** Milliseconds between two bookmarks. */
  bookmarkMs: number;
}

/**
 * The entries from `begin` on, until the last one that is wanted has come, or until the position shows that the log has been read to `head`: a client
 * may see none of the entries, and a bookmark tells it that there are none. Silence is no end: it rejects if neither comes.
 */
function collect(
  client: Client,
  begin: { last: number } | { from: string },
  { head, upTo, bookmarkMs }: Bound,
): Promise<Collected> {
  const collected: Collected = { entries: [], first: undefined, isTruncated: false };
  return new Promise((resolve, reject) => {
    const unanswered = (): void => {
      subscription.unsubscribe();
      reject(new CliError(EXIT.timeout, 'the gateway did not answer: what its log has is not known'));
    };
    const wait = (): NodeJS.Timeout => setTimeout(unanswered, SIGNS * bookmarkMs);
    let timer = wait();
    const end = (ended: () => void): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      ended();
    };
    const fail = (error: CliError): void => end(() => reject(error));
    // What has come may lack something now.
    const another = (): void =>
      fail(new CliError(EXIT.failed, 'the gateway restarted, or dropped entries meanwhile: ask again'));
    const subscription = client.subscribe(begin, {
      events: (batch) => {
        collected.first ??= batch.find(({ time }) => time !== null);
        const last = batch.find(({ offset }) => offset >= upTo);
        collected.entries.push(...batch.filter((entry) => entry === last || isAudited(entry)));
        if (last) end(() => resolve(collected));
      },
      position: (cursor) => {
        const order = compareCursors(cursor, head);
        if (order === undefined) return another();
        if (order >= 0 || (upTo > 0 && (parseCursor(cursor)?.offset ?? 0) >= upTo))
          return end(() => resolve(collected));
        clearTimeout(timer);
        timer = wait();
      },
      truncated: () => {
        collected.isTruncated = true;
      },
      gap: another,
      error: (error) => fail(refusalOf(error)),
    });
  });
}

/** So many bookmarks fail to come before the gateway is taken not to answer: it sends one to a client that has everything. */
const SIGNS = 2;
