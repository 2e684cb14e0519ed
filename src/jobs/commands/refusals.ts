// Answers that refuse a call on a job before anything is sent, or because there is no answer of QEMU's. Pure.
import { type Answer, refuse } from '../../protocol/answer.js';
import { type Run, viewRun } from '../model/run.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import { SOFT_CANCELLED } from './qmp-error.js';

/**
 * Whether a complete is under way, through the gateway or of another client. QEMU shows the latter only once the job leaves READY, which a soft cancel of
 * the gateway causes too.
 */
export function isCompleting({ complete, soft, sawReady, status }: Run): boolean {
  return complete !== 'none' || (sawReady && soft === 'none' && (status === 'waiting' || status === 'pending'));
}

/** QEMU shows a READY job as `ready` until its copy is done, also one that it completes: no query tells whether a complete without an answer had its effect. */
export function beingCompleted({ status, complete }: Run): Answer<never> {
  const [what, hint] =
    complete === 'unknown'
      ? ['a complete of the job had no answer, and may be under way', 'job.complete asks again']
      : ['the job is being completed', 'job.wait returns the outcome'];
  return refuse('JOB_STATE', `${what}: a soft cancel would not keep the disk from its pivot`, {
    status,
    hint: `${hint}; abort with force ends it without a pivot if it is not too late`,
  });
}

/** The job gives up, or finishes its copy without a pivot. */
export function beingCancelled({ status }: Run): Answer<never> {
  return refuse('JOB_STATE', `a ${status} job cannot complete`, { status, hint: SOFT_CANCELLED });
}

export function hasEnded(): Answer<never> {
  return refuse('JOB_STATE', 'the job has ended', { status: 'concluded', hint: 'job.get returns its outcome' });
}

export function closing(): Answer<never> {
  return refuse('SOURCE_DOWN', 'the gateway is closing; nothing was sent', { state: 'down' });
}

export function unanswered(tracker: SourceTracker, job: string): Answer<never> {
  if (!tracker.isUp) return sourceDown(tracker);
  const run = tracker.runNamed(job);
  return refuse('TIMEOUT', 'QEMU has not answered within the bound; nothing was sent', {
    accepted: false,
    ...(run && { job: viewRun(run) }),
  });
}

export function notTaken(tracker: SourceTracker, job: string, accepted: boolean | null = false): Answer<never> {
  const run = tracker.runNamed(job);
  const shown = run && tracker.shownRun(run.id);
  return refuse('TIMEOUT', 'the log of the gateway did not take the result of the command within the bound', {
    accepted,
    ...(shown && { job: viewRun(shown) }),
  });
}

export function unsupported({ name, info }: SourceTracker, what: string): Answer<never> {
  return refuse('UNSUPPORTED', `the source ${name} has no ${what}; nothing was sent`, { verbs: info.verbs ?? [] });
}

export function sourceDown(tracker: SourceTracker): Answer<never> {
  const { state, reason } = tracker.info;
  return refuse('SOURCE_DOWN', `the source is ${state === 'up' ? 'not answering' : state}; nothing was sent`, {
    state,
    ...(reason !== undefined && { why: reason }),
  });
}

export function stale(live: Run): Answer<never> {
  return refuse('STALE_RUN', 'the id belongs to another run now; nothing was sent', { run: live.run });
}

export function unknownOutcome(run: Run, live: Run | undefined): Answer<never> {
  return refuse('OUTCOME_UNKNOWN', 'the command was sent, and its effect is unknown', {
    run: run.run,
    ...(live && { newRun: live.run }),
  });
}
