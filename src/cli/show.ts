// `show`: the story of one run: what it was, how it ended, and every entry of it that the gateway's log still has.
import type { Command } from 'commander';
import type { HistoryRun, MissingEntries, MissingReason, ProgressSample, RunStory } from '../protocol/history.js';
import type { Int64, Job, JobType, Outcome } from '../protocol/types.js';
import { describePivot, formatAmount, formatDuration, formatPercent, shareDone } from '../protocol/words.js';
import { eventLine } from './format.js';
import { requireHistory } from './history.js';
import { jsonOption, tokenOption, urlOption } from './options.js';
import { print, printJson } from './output.js';
import { type RemoteOptions, withGateway } from './remote.js';
import { type Times, timesIn, utcOption } from './times.js';
import { run as parseRun } from './values.js';

export function addShow(program: Command): void {
  program
    .command('show')
    .description('tell the story of one run of a job: its figures, its end, and its events')
    .argument('<source>')
    .argument('<job>')
    .option('--run <run>', 'this run; default: the live one, else the last that has ended', parseRun)
    .addOption(utcOption())
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ qmp-gateway show vm1 backup0')
    .action(async (source: string, job: string, options: RemoteOptions & { run?: string; utc?: boolean }) => {
      const { run } = options;
      const { story, live } = await withGateway(options, async (client) => {
        await requireHistory(client);
        const story = await client.historyOf({ source, job, ...(run !== undefined && { run }) });
        // The story of a live run has no type, and so no unit of its figures. The run may have ended meanwhile, or its source be away.
        const isAsked = story.record === undefined && !options.json;
        const live = isAsked ? await client.jobGet({ source, job, run: story.run }).catch(() => undefined) : undefined;
        return { story, live };
      });
      if (options.json) printJson(story);
      else print(...storyLines(story, timesIn(options.utc === true), live));
    });
}

/** A block of figures, then an event a line. `live`: the job of a run that has not ended, where it is known. */
export function storyLines(
  { source, job, run, record, progress, entries, truncated, missing }: RunStory,
  times: Times,
  live?: Job,
): string[] {
  const rows: [string, string][] = [
    ['job', `${job} of ${source}`],
    ['run', run],
    ...(record ? recordRows(record, times) : liveRows(live)),
    ...progressRows(progress, record?.type ?? live?.type ?? null),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  lines.push('');
  if (missing) lines.push(...missing.map(missingLine));
  else if (truncated) lines.push('(some of its events are no longer in the log, or left out)');
  for (const entry of entries) lines.push(`${times.day(entry.time)} ${eventLine(entry, times)}`);
  if (entries.length === 0 && !truncated) lines.push('(no events)');
  return lines;
}

const MISSING_TEXT: Readonly<Record<MissingReason, string>> = {
  retention: 'have left the log',
  epoch: 'are of a log before this one',
  size: 'are left out: they are too many',
  time: 'were not read: there was no time',
};

function missingLine({ reason, after, upTo }: MissingEntries): string {
  const which = [after && ` after ${after}`, upTo && ` up to ${upTo}`].filter(Boolean).join('');
  return `(its events${which} ${MISSING_TEXT[reason] ?? reason})`;
}

/** The settlement of a run that is lost is when that was found. */
function endNote(outcome: Outcome, durationMs: number | null): string {
  if (outcome === 'lost') return ' or before: it was found then';
  return durationMs === null ? '' : `, after ${formatDuration(durationMs)}`;
}

function recordRows(record: HistoryRun, times: Times): [string, string][] {
  const { type, start, end, durationMs, outcome, provenance, pivoted, pivotProof, requestedBy, error } = record;
  const { forced, escalated } = record;
  const how = [provenance === 'observed' ? '' : provenance, forced ? 'forced' : '', escalated ? 'escalated' : ''];
  const details = how.filter((each) => each !== '').join(', ');
  return [
    ['type', type ?? '?'],
    ['start', start === null ? 'not known' : times.second(start)],
    ['end', `${times.second(end)}${endNote(outcome, durationMs)}`],
    ['outcome', details === '' ? outcome : `${outcome} (${details})`],
    ...(pivotProof === 'type' ? [] : ([['pivot', describePivot(pivoted)]] as [string, string][])),
    ...(error === undefined ? [] : ([['error', error]] as [string, string][])),
    ['asked by', requestedBy.length === 0 ? 'nobody through this gateway' : requestedBy.join(', ')],
    ['done', doneOf(record.offset, record.len, type)],
  ];
}

function liveRows(live: Job | undefined): [string, string][] {
  if (live === undefined) return [['status', 'it has not ended']];
  return [
    ['type', live.type ?? '?'],
    ['status', `${live.status}: it has not ended`],
  ];
}

function doneOf(offset: Int64 | null, len: Int64 | null, type: JobType | null): string {
  return offset === null || len === null ? '?' : `${formatAmount(offset, type)} of ${formatAmount(len, type)}`;
}

/** About five of the samples, from its beginning to its end. */
function progressRows(progress: readonly ProgressSample[], type: JobType | null): [string, string][] {
  const step = Math.max(1, Math.ceil(progress.length / 5));
  return progress
    .filter((_, at) => at % step === 0)
    .map(([sinceMs, offset, len]) => [
      `after ${formatDuration(sinceMs)}`,
      `${formatPercent(shareDone({ offset, len }), 'running')}, ${doneOf(offset, len, type)}`,
    ]);
}
