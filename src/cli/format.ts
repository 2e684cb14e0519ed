// Tables and lines of the command line; figures and sentences come from protocol/words. Pure.
import Table from 'cli-table3';
import type { Entry, Job, Settlement } from '../protocol/types.js';
import { formatAmount, formatLimit, formatPercent, shareDone, summarizeSettlement } from '../protocol/words.js';
import { printable } from './output.js';

/** Lines whose columns are two spaces apart, for cut and grep. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const drawn = new Table({
    head: [...head],
    chars: none,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  // Escaped before the widths are measured: a line break in a cell would begin a new row.
  for (const row of rows) drawn.push(row.map(printable));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** The part of a job that is done. */
export function percent({ len, offset, status }: Pick<Job, 'len' | 'offset' | 'status'>): string {
  return formatPercent(shareDone({ len, offset }), status);
}

export function jobRow(job: Job): string[] {
  const done = job.settled ? job.settled.outcome : percent(job);
  return [
    job.source,
    job.job,
    job.type ?? '?',
    job.status,
    done,
    `${formatAmount(job.offset, job.type)} / ${formatAmount(job.len, job.type)}`,
    formatLimit(job.speed),
    job.run,
  ];
}
export const JOB_HEAD = ['SOURCE', 'JOB', 'TYPE', 'STATUS', 'DONE', 'PROGRESS', 'LIMIT', 'RUN'] as const;

/** One line: time, source, type, job, and the data in short. */
export function eventLine({ time, source, type, job, repeated, data }: Entry): string {
  const clock = time === null ? '--:--:--.---' : time.slice(11, 23);
  const count = repeated === undefined ? '' : ` x${repeated}`;
  const text = type === 'GATEWAY_JOB_SETTLED' ? summarizeSettlement(data as Settlement) : brief(data);
  return `${clock}  ${source}  ${type}${count}${job ? `  ${job.id}` : ''}  ${text}`.trimEnd();
}

function brief(data: unknown): string {
  if (typeof data !== 'object' || data === null) return data === undefined ? '' : String(data);
  return Object.entries(data)
    .filter(([key]) => key !== 'device' && key !== 'id')
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(' ');
}
