// Values as people read them. Pure.
import Table from 'cli-table3';
import type { Entry, Int64, Job, Settlement } from '../protocol/types.js';

/** Columns two spaces apart, no lines: it can be cut and grepped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
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
  for (const row of rows) drawn.push([...row]);
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Whole percent, never 100 before the end: a mirror at 100 % may not be READY, nor a READY one done. */
export function percent(len: Int64, offset: Int64): string {
  const total = Number(len);
  if (!(total > 0)) return '-';
  return `${Math.min(99, Math.floor((Number(offset) / total) * 100))}%`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(value: Int64): string {
  let amount = Number(value);
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`;
}

export function jobRow(job: Job): string[] {
  const done = job.settled ? job.settled.outcome : percent(job.len, job.offset);
  const limit = job.speed === 0 ? '-' : `${bytes(job.speed)}/s`;
  return [
    job.source,
    job.job,
    job.type ?? '?',
    job.status,
    done,
    `${bytes(job.offset)} / ${bytes(job.len)}`,
    limit,
    job.run,
  ];
}
export const JOB_HEAD = ['SOURCE', 'JOB', 'TYPE', 'STATUS', 'DONE', 'PROGRESS', 'LIMIT', 'RUN'] as const;

/** One line: when, where, what, and the data in short. */
export function eventLine({ time, source, type, job, repeated, data }: Entry): string {
  const clock = time === null ? '--:--:--.---' : time.slice(11, 23);
  const count = repeated === undefined ? '' : ` x${repeated}`;
  const text = type === 'GATEWAY_JOB_SETTLED' ? verdict(data as Settlement) : brief(data);
  return `${clock}  ${source}  ${type}${count}${job ? `  ${job.id}` : ''}  ${text}`.trimEnd();
}

/** What matters of a settlement: the rest is as expected. */
function verdict({ outcome, provenance, pivoted, escalated, requestedBy, dismissed, error }: Settlement): string {
  return [
    outcome,
    provenance === 'observed' ? '' : provenance,
    pivoted === false ? '' : `pivoted=${pivoted}`,
    escalated ? 'escalated' : '',
    requestedBy.length > 0 ? `by=${requestedBy.join(',')}` : '',
    dismissed ? '' : 'not dismissed',
    error === undefined ? '' : `error=${error}`,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function brief(data: unknown): string {
  if (typeof data !== 'object' || data === null) return data === undefined ? '' : String(data);
  return Object.entries(data)
    .filter(([key]) => key !== 'device' && key !== 'id')
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(' ');
}
