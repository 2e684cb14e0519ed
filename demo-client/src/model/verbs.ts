// Which verbs a job's status allows. In: a job. Out: verbs in the order in which they are offered. Mirrors QEMU's JobVerbTable (job.c).
import type { Job, JobStatus, JobVerb } from 'qmp-gateway/protocol';

/** `resume` is offered only where there is something to resume; QEMU would refuse it elsewhere. */
const ALLOWED: Record<JobStatus, readonly JobVerb[]> = {
  created: ['pause', 'setSpeed', 'abort'],
  running: ['pause', 'setSpeed', 'abort'],
  paused: ['resume', 'setSpeed', 'abort'],
  ready: ['complete', 'pause', 'setSpeed', 'abort'],
  standby: ['resume', 'setSpeed', 'abort'],
  waiting: ['abort'],
  pending: ['finalize', 'abort'],
  aborting: [],
  // Its end is being read, or it goes by itself.
  concluded: [],
};

export function verbsFor({ status, settled }: Pick<Job, 'status' | 'settled'>): readonly JobVerb[] {
  return settled ? ['dismiss'] : ALLOWED[status];
}

/** What a soft abort would do here, before it is asked for. */
export type SoftAbort = 'cancels' | 'refused' | 'completes';

/** QEMU refuses to cancel a paused job softly, and lets a READY mirror finish its copy. */
export function softAbort({ status, type }: Pick<Job, 'status' | 'type'>): SoftAbort {
  if (status === 'paused' || status === 'standby') return 'refused';
  return status === 'ready' && type === 'mirror' ? 'completes' : 'cancels';
}
