// QEMU's rules of a job, for the gateway, the command line and the dashboard alike: which verb is legal in which status (job.c: JobSTT,
// JobVerbTable), and what a soft cancel does. Pure, without imports of code. The simulator keeps tables of its own, which a test holds these to.
import type { JobStatus, JobType, JobVerb, Outcome, Settlement, SourceInfo } from './types.js';

/** All that a query can show. */
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

/** Whether one run of a job can be in `later` after it was in `earlier`, unseen steps allowed. */
export function isReachable(earlier: JobStatus, later: JobStatus | 'null'): boolean {
  const reached = new Set<JobStatus | 'null'>([earlier]);
  for (const status of reached) {
    if (status === later) return true;
    if (status !== 'null') for (const next of TRANSITIONS[status]) reached.add(next);
  }
  return false;
}

const LIVE: readonly JobStatus[] = ['created', 'running', 'paused', 'ready', 'standby'];

/** In the order in which a person is offered them: what moves the job on, what holds it, what ends it. */
const VERBS: Readonly<Record<JobVerb, readonly JobStatus[]>> = {
  finalize: ['pending'],
  // In `standby` since QEMU 6.0; an older one refuses it by itself.
  complete: ['ready', 'standby'],
  resume: LIVE,
  pause: LIVE,
  setSpeed: LIVE,
  abort: [...LIVE, 'waiting', 'pending'],
  dismiss: ['concluded'],
};

/** Whether QEMU's JobVerbTable allows it. It may refuse for another reason still: see {@link offeredVerbs} and {@link softCancel}. */
export function allows(status: JobStatus, verb: JobVerb): boolean {
  return VERBS[verb].includes(status);
}

/** The job stands still: by a user, or by an I/O error. */
export function isPaused(status: JobStatus): boolean {
  return status === 'paused' || status === 'standby';
}

/** The copy is in sync and follows every write: the job ends when it is completed or cancelled. */
export function isInSync(status: JobStatus | Outcome): boolean {
  return status === 'ready' || status === 'standby';
}

/**
 * The verbs that would do something, in the order in which to offer them: of pause and resume one, since QEMU refuses the other, and `dismiss`
 * only for a run that is settled: before that its end is being read, or it goes by itself.
 */
export function offeredVerbs({ status, settled }: { status: JobStatus; settled?: Settlement }): readonly JobVerb[] {
  if (settled) return ['dismiss'];
  return (Object.keys(VERBS) as JobVerb[]).filter(
    (verb) => allows(status, verb) && verb !== 'dismiss' && verb !== (isPaused(status) ? 'pause' : 'resume'),
  );
}

const BLOCK_JOB_TYPES: readonly JobType[] = ['commit', 'stream', 'mirror', 'backup'];

/** The types that block-job-* commands know, that raise BLOCK_JOB_* events, and whose `len` and `offset` are bytes; also one not known yet. */
export function isBlockJob(type: JobType | null): boolean {
  return type === null || BLOCK_JOB_TYPES.includes(type);
}

const NEVER_PIVOT: readonly JobType[] = [
  ...['stream', 'backup', 'create', 'amend', 'snapshot-load', 'snapshot-save', 'snapshot-delete'],
];

/** The types that leave the disk where it is, however they end. Of a commit its layer tells, and of a later QEMU's types nothing is known. */
export function neverPivots(type: JobType | null): boolean {
  return type !== null && NEVER_PIVOT.includes(type);
}

/** Whether the figures of a source's jobs are the present: it is in sync, and its QEMU answers. */
export function isAnswering(source: SourceInfo | undefined): boolean {
  return source?.state === 'up' && source.reason === undefined;
}

/**
 * `cancels`: the job gives up. `finishes`: QEMU ends it with success, as a consistent copy, and does not switch the disk to it. `refused`: nothing happens.
 */
export type SoftCancel = 'cancels' | 'finishes' | 'refused';

/** What an abort without `force` does to a job that nothing else is ending. */
export function softCancel({ status, type }: { status: JobStatus; type: JobType | null }): SoftCancel {
  if (!allows(status, 'abort')) return 'refused';
  // For these QEMU has job-cancel alone, which always forces.
  if (!isBlockJob(type)) return 'cancels';
  if (isPaused(status)) return 'refused';
  // Only a mirror and a commit of the active layer become READY, and both end the same way (mirror.c: mirror_cancel, commit_active_cancel).
  return status === 'ready' ? 'finishes' : 'cancels';
}

/** What would work where a verb was refused; for people, in `error.data.hint`. */
export function hintFor(status: JobStatus, verb: JobVerb): string {
  if (status === 'concluded') return 'the job has ended and only occupies its id: job.dismiss frees it';
  if (status === 'aborting') return 'the job is ending already: job.wait tells its outcome';
  if (verb === 'abort' && isPaused(status))
    return 'QEMU refuses a soft cancel of a paused job: job.resume it first, or abort with force';
  if (verb === 'complete') return 'only a READY job can be completed: wait for BLOCK_JOB_READY';
  if (verb === 'finalize') return 'only a PENDING job waits for job.finalize';
  if (verb === 'dismiss') return 'only a concluded job can be dismissed';
  if (verb === 'resume') return 'the job was not paused by a user';
  if (verb === 'pause') return 'the job is paused already';
  return `the job is ${status}`;
}
