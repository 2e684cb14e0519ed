// QEMU's rules for jobs, shared by the gateway, the command line and the dashboard: which verb is legal in which status (job.c: JobSTT,
// JobVerbTable), and what a soft cancel does. Pure, imports no code. The simulator has tables of its own, and a test compares the two.
import type { Job, JobStatus, JobType, JobVerb, Outcome, Settlement, SourceInfo, SourceVerb } from './types.js';

/** Every status that a query can show. */
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

export const isJobStatus = (value: unknown): value is JobStatus => (JOB_STATUSES as readonly unknown[]).includes(value);

/** Single steps; `null`, the job's removal, follows created and concluded. */
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

/** Whether one run of a job can be in `later` after `earlier`, with steps in between that were not seen. */
export function isReachable(earlier: JobStatus, later: JobStatus | 'null'): boolean {
  const reached = new Set<JobStatus | 'null'>([earlier]);
  for (const status of reached) {
    if (status === later) return true;
    // A QEMU may name a status that is not known here: nothing follows from it.
    if (isJobStatus(status)) for (const next of TRANSITIONS[status]) reached.add(next);
  }
  return false;
}

const LIVE: readonly JobStatus[] = ['created', 'running', 'paused', 'ready', 'standby'];

/** In the order in which they are offered to a person: those that move the job on, those that hold it, those that end it. */
const VERBS: Readonly<Record<JobVerb, readonly JobStatus[]>> = {
  finalize: ['pending'],
  // In `standby` only since QEMU 6.0; an older one refuses it.
  complete: ['ready', 'standby'],
  resume: LIVE,
  pause: LIVE,
  setSpeed: LIVE,
  abort: [...LIVE, 'waiting', 'pending'],
  dismiss: ['concluded'],
};

/** Whether QEMU's JobVerbTable allows it. QEMU may still refuse for another reason: see {@link offeredVerbs} and {@link softCancel}. */
export function allows(status: JobStatus, verb: JobVerb): boolean {
  return VERBS[verb].includes(status);
}

/** Whether the job stands still: paused by a user, or stopped by an I/O error. */
export function isPaused(status: JobStatus): boolean {
  return status === 'paused' || status === 'standby';
}

/** Whether the copy is in sync and follows every write, so that the job ends when it is completed or cancelled. */
export function isInSync(status: JobStatus | Outcome): boolean {
  return status === 'ready' || status === 'standby';
}

/** Whether its source has the verb: `verbs` is missing where it has all, and from servers without the feature `providers`. */
export function hasVerb(source: Pick<SourceInfo, 'verbs'> | undefined, verb: SourceVerb): boolean {
  return source?.verbs?.includes(verb) ?? true;
}

/**
 * The verbs that would have an effect, in the order in which to offer them. Of pause and resume only one, since QEMU refuses the other. `dismiss`
 * only for a settled run: before that its end is still being examined, or the job is dismissed automatically.
 *
 * @param source of the job; by default it has every verb.
 */
export function offeredVerbs(
  { status, settled }: { status: JobStatus; settled?: Settlement },
  source?: Pick<SourceInfo, 'verbs'>,
): readonly JobVerb[] {
  // `job.get` answers with runs that have ended too: they are in QEMU no more.
  if (settled?.dismissed) return [];
  const verbs = settled
    ? (['dismiss'] as const)
    : (Object.keys(VERBS) as JobVerb[]).filter(
        (verb) => allows(status, verb) && verb !== 'dismiss' && verb !== (isPaused(status) ? 'pause' : 'resume'),
      );
  return verbs.filter((verb) => hasVerb(source, verb));
}

const BLOCK_JOB_TYPES: readonly JobType[] = ['commit', 'stream', 'mirror', 'backup'];

/**
 * Types that block-job-* commands accept, that raise BLOCK_JOB_* events, and whose `len` and `offset` are bytes. A type that is not known yet counts
 * as one.
 */
export function isBlockJob(type: JobType | null): boolean {
  return type === null || BLOCK_JOB_TYPES.includes(type);
}

const NEVER_PIVOT: readonly JobType[] = [
  ...['stream', 'backup', 'create', 'amend', 'snapshot-load', 'snapshot-save', 'snapshot-delete'],
];

/** Types that never switch the disk, however they end. For a commit it depends on the layer, and types of a later QEMU are unknown. */
export function neverPivots(type: JobType | null): boolean {
  return type !== null && NEVER_PIVOT.includes(type);
}

/** In order of severity. */
export const DECISIONS = ['error', 'pending', 'ready', 'undismissed'] as const;
export type Decision = (typeof DECISIONS)[number];

/**
 * Why a job waits for a person or a program to decide. `error`: stopped by an I/O error; `pending`: it waits for `job.finalize`; `ready`: in sync, to
 * be completed or aborted; `undismissed`: it has ended and occupies its id.
 */
export function decisionOf({ settled, ioStatus, status }: Job): Decision | undefined {
  if (settled) return settled.dismissed ? undefined : 'undismissed';
  if (ioStatus === 'nospace' || ioStatus === 'failed') return 'error';
  if (status === 'pending') return 'pending';
  return isInSync(status) ? 'ready' : undefined;
}

/** Whether the figures of a source's jobs are current: the source is in sync, and its QEMU answers. */
export function isAnswering(source: SourceInfo | undefined): boolean {
  return source?.state === 'up' && source.reason === undefined;
}

/**
 * `cancels`: the job gives up. `finishes`: QEMU ends it with success, as a consistent copy, and does not switch the disk to it. `refused`: nothing
 * happens.
 */
export type SoftCancel = 'cancels' | 'finishes' | 'refused';

/** The effect of an abort without `force` on a job that nothing else is ending. */
export function softCancel({ status, type }: { status: JobStatus; type: JobType | null }): SoftCancel {
  if (!allows(status, 'abort')) return 'refused';
  // For these QEMU has only job-cancel, which always forces.
  if (!isBlockJob(type)) return 'cancels';
  if (isPaused(status)) return 'refused';
  // Only a mirror and a commit of the active layer become READY, and both end the same way (mirror.c: mirror_cancel, commit_active_cancel).
  return status === 'ready' ? 'finishes' : 'cancels';
}

/** What a verb does to a job that nothing else is ending. `forces`: the job is given up at once. `limits`: its speed is. */
export type VerbEffect =
  | Exclude<SoftCancel, 'refused'>
  | 'forces'
  | 'completes'
  | 'pauses'
  | 'resumes'
  | 'finalizes'
  | 'dismisses'
  | 'limits';

/** `undefined`: QEMU refuses the verb in this status; {@link hintFor} says what would work. */
export function effectOf(
  verb: JobVerb,
  job: { status: JobStatus; type: JobType | null },
  { force = false }: { force?: boolean | undefined } = {},
): VerbEffect | undefined {
  if (!allows(job.status, verb)) return undefined;
  switch (verb) {
    case 'abort': {
      const soft = force ? 'forces' : softCancel(job);
      return soft === 'refused' ? undefined : soft;
    }
    case 'pause':
      return isPaused(job.status) ? undefined : 'pauses';
    case 'resume':
      return isPaused(job.status) ? 'resumes' : undefined;
    case 'complete':
      return 'completes';
    case 'finalize':
      return 'finalizes';
    case 'dismiss':
      return 'dismisses';
    case 'setSpeed':
      return 'limits';
  }
}

/**
 * What would work instead of a refused verb; for people, in `error.data.hint`.
 *
 * @param can whether the source has a verb; by default it has every one.
 */
export function hintFor(status: JobStatus, verb: JobVerb, can: (verb: SourceVerb) => boolean = () => true): string {
  if (status === 'concluded') return 'the job has ended and only occupies its id: job.dismiss frees it';
  if (status === 'aborting') return 'the job is ending already: job.wait returns its outcome';
  if (verb === 'abort' && isPaused(status))
    return can('resume') || can('force')
      ? 'QEMU refuses a soft cancel of a paused job: job.resume it first, or abort with force'
      : 'QEMU refuses a soft cancel of a paused job, and this source has neither resume nor force: who has paused it must resume it';
  if (verb === 'complete') return 'only a READY job can be completed: wait for BLOCK_JOB_READY';
  if (verb === 'finalize') return 'only a PENDING job waits for job.finalize';
  if (verb === 'dismiss') return 'only a concluded job can be dismissed';
  if (verb === 'resume') return 'the job was not paused by a user';
  if (verb === 'pause') return 'the job is paused already';
  return `the job is ${status}`;
}
