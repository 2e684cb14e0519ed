// QEMU's job life cycle as tables (job.c: JobSTT, JobVerbTable). In: statuses and verbs. Out: what is possible.
import type { JobStatus, JobVerb } from '../protocol/types.js';

export const JOB_STATUSES: readonly JobStatus[] = [
  'created',
  'running',
  'paused',
  'ready',
  'standby',
  'waiting',
  'pending',
  'aborting',
  'concluded',
];

/** One step each; `null`, the job's removal, follows created and concluded. */
export const TRANSITIONS: Readonly<Record<JobStatus, readonly (JobStatus | 'null')[]>> = {
  created: ['running', 'aborting', 'null'],
  running: ['paused', 'ready', 'waiting', 'aborting'],
  paused: ['running'],
  ready: ['standby', 'waiting', 'aborting'],
  standby: ['ready'],
  waiting: ['pending', 'aborting'],
  pending: ['aborting', 'concluded'],
  aborting: ['concluded'],
  concluded: ['null'],
};

function closure(from: JobStatus): ReadonlySet<string> {
  const reached = new Set<string>([from]);
  for (const status of reached) for (const next of TRANSITIONS[status as JobStatus] ?? []) reached.add(next);
  return reached;
}
const REACHABLE = new Map(JOB_STATUSES.map((status) => [status, closure(status)]));

/** Whether one life of a job can be in `later` after it was in `earlier`, unseen steps allowed. */
export function isReachable(earlier: JobStatus, later: JobStatus | 'null'): boolean {
  return REACHABLE.get(earlier)?.has(later) ?? false;
}

const LIVE: readonly JobStatus[] = ['created', 'running', 'paused', 'ready', 'standby'];
const VERBS: Readonly<Record<JobVerb, readonly JobStatus[]>> = {
  abort: [...LIVE, 'waiting', 'pending'],
  pause: LIVE,
  resume: LIVE,
  setSpeed: LIVE,
  complete: ['ready', 'standby'],
  finalize: ['pending'],
  dismiss: ['concluded'],
};

export function allows(status: JobStatus, verb: JobVerb): boolean {
  return VERBS[verb].includes(status);
}

/** What would work where a verb was refused; for people, in `error.data.hint`. */
export function hintFor(status: JobStatus, verb: JobVerb): string {
  if (status === 'concluded') return 'the job has ended and only occupies its id: job.dismiss frees it';
  if (status === 'aborting') return 'the job is ending already: job.wait tells its outcome';
  if (verb === 'abort' && (status === 'paused' || status === 'standby'))
    return 'QEMU refuses a soft cancel of a paused job: job.resume it first, or abort with force';
  if (verb === 'complete') return 'only a READY job can be completed: wait for BLOCK_JOB_READY';
  if (verb === 'finalize') return 'only a PENDING job waits for job.finalize';
  if (verb === 'dismiss') return 'only a concluded job can be dismissed';
  if (verb === 'resume') return 'the job was not paused by a user';
  if (verb === 'pause') return 'the job is paused already';
  return `the job is ${status}`;
}

const BLOCK_JOB_TYPES = ['commit', 'stream', 'mirror', 'backup'];

/** The types that block-job-* commands know and that raise BLOCK_JOB_* events. */
export function isBlockJob(type: string | null): boolean {
  return type === null || BLOCK_JOB_TYPES.includes(type);
}
