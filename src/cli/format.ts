// Values as people read them. Pure.
import Table from 'cli-table3';
import type { Entry, Int64, Job, JobStatus, Settlement } from '../protocol/types.js';
import { printable } from './output.js';

/** Lines with columns two spaces apart: it can be cut and grepped. */
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
  // Before the widths are measured: a line end in a cell would be drawn as a row of its own.
  for (const row of rows) drawn.push(row.map(printable));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Statuses in which QEMU has copied everything; what is missing then is a decision, or its own clean-up. */
const COPIED: readonly JobStatus[] = ['ready', 'standby', 'waiting', 'pending', 'concluded'];

/** Whole percent. 100 only where the status says that all is copied: a running mirror at its length may not be READY. */
export function percent({ len, offset, status }: Pick<Job, 'len' | 'offset' | 'status'>): string {
  const total = Number(len);
  if (!(total > 0)) return '-';
  const done = Math.floor((Number(offset) / total) * 100);
  return `${Math.min(COPIED.includes(status) ? 100 : 99, done)}%`;
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
  const done = job.settled ? job.settled.outcome : percent(job);
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
