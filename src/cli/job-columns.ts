// The columns of jobs, and the order and the choice of their rows. Pure.
import { compileGlobs } from '../protocol/glob.js';
import { decisionOf, JOB_STATUSES } from '../protocol/rules.js';
import type { Job, JobStatus } from '../protocol/types.js';
import { formatDone, formatLimit, formatPercent, shareDone } from '../protocol/words.js';
import type { Colour, Column } from './columns.js';

/** The part of a job that is done. */
export function percent({ len, offset, status }: Pick<Job, 'len' | 'offset' | 'status'>): string {
  return formatPercent(shareDone({ len, offset }), status);
}

/** An event that begins a run has no figures; the first query after it has them. */
export const hasFigures = ({ len, offset, speed }: Pick<Job, 'len' | 'offset' | 'speed'>): boolean =>
  [len, offset, speed].some((each) => Number(each) !== 0);

export const JOB_COLUMNS: readonly Column<Job>[] = [
  { head: 'SOURCE', cell: ({ source }) => source, isName: true },
  { head: 'JOB', cell: ({ job }) => job, isName: true },
  { head: 'TYPE', cell: ({ type }) => type ?? '?', rank: 1 },
  { head: 'STATUS', cell: ({ status }) => status, colour: colourOf },
  { head: 'DONE', cell: (job) => (job.settled ? job.settled.outcome : percent(job)) },
  {
    head: 'PROGRESS',
    cell: (job) => formatDone(job, '/'),
  },
  { head: 'LIMIT', cell: (job) => (hasFigures(job) ? formatLimit(job.speed) : '—'), rank: 2 },
  { head: 'RUN', cell: ({ run }) => run, rank: 3 },
  { head: 'WAITS FOR', cell: (job) => decisionOf(job) ?? '', isWide: true },
  {
    head: 'ERROR',
    cell: ({ error = '', ioStatus }) => error || (ioStatus === 'ok' ? '' : (ioStatus ?? '')),
    isWide: true,
  },
];

function colourOf(job: Job): Colour | undefined {
  const decision = decisionOf(job);
  if (decision === 'error' || job.settled?.outcome === 'failed') return 'red';
  if (decision !== undefined) return 'yellow';
  return job.status === 'running' ? 'green' : undefined;
}

export interface JobFilter {
  source?: readonly string[];
  job?: readonly string[];
  type?: readonly string[];
  status?: readonly JobStatus[];
  waiting?: boolean;
}

export function selects({ source, job, type, status, waiting }: JobFilter): (each: Job) => boolean {
  const [isSource, isJob, isType] = [compileGlobs(source), compileGlobs(job), compileGlobs(type)];
  return (each) =>
    isSource(each.source) &&
    isJob(each.job) &&
    isType(each.type ?? '') &&
    (status?.includes(each.status) ?? true) &&
    (!waiting || decisionOf(each) !== undefined);
}

const byName = (a: Job, b: Job): number => compare(a.source, b.source) || compare(a.job, b.job);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const ORDERS = {
  name: () => 0,
  type: (a, b) => compare(a.type ?? '', b.type ?? ''),
  status: (a, b) => JOB_STATUSES.indexOf(a.status) - JOB_STATUSES.indexOf(b.status),
  done: (a, b) => (shareDone(b) ?? -1) - (shareDone(a) ?? -1),
  size: (a, b) => Number(b.len) - Number(a.len),
  left: (a, b) => Number(b.len) - Number(b.offset) - (Number(a.len) - Number(a.offset)),
} as const satisfies Record<string, (a: Job, b: Job) => number>;
export type JobOrder = keyof typeof ORDERS;
export const JOB_ORDERS = Object.keys(ORDERS) as JobOrder[];

export const sortJobs = (jobs: readonly Job[], order: JobOrder): Job[] =>
  [...jobs].sort((a, b) => ORDERS[order](a, b) || byName(a, b));
