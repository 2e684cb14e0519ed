// QEMU's refusal of a command as an error of the wire. Pure. QEMU's text is for people and never parsed, and job-* commands have no error class for
// "not found" (job-qmp.c): so the job, as a fresh query shows it, decides.
import { type Refusal, refuse } from '../../protocol/answer.js';
import { allows, effectOf, hintFor } from '../../protocol/rules.js';
import type { JobVerb, SourceVerb } from '../../protocol/types.js';
import type { Run } from '../model/run.js';

/** Why a READY job can't be completed any more. */
export const SOFT_CANCELLED = 'a soft cancel was accepted: the job ends without a pivot';

export interface QmpError {
  class: string;
  desc: string;
}

/** @param now the live run of that id after a fresh query; `undefined`: the run of the call is gone. @param source of the job. */
export function mapQmpError(
  error: QmpError,
  verb: JobVerb,
  force: boolean,
  now: Run | undefined,
  source: { can(verb: SourceVerb): boolean },
): Refusal {
  if (!now) return refuse('JOB_NOT_FOUND', 'no such job').error;
  const softCancelled = verb === 'complete' && now.soft === 'accepted';
  const forbidden = verb === 'resume' ? !allows(now.status, verb) : effectOf(verb, now, { force }) === undefined;
  const byPause = error.class === 'GenericError' && decidedByPause(verb, now);
  if (forbidden || softCancelled || byPause) {
    const status = byPause ? 'paused' : now.status;
    const hint = softCancelled ? SOFT_CANCELLED : hintFor(status, verb, (each) => source.can(each));
    const data = { status: now.status, hint, class: error.class, desc: error.desc };
    return refuse('JOB_STATE', `a ${now.status} job cannot ${verb}`, data).error;
  }
  return refuse('QMP_ERROR', error.desc || error.class, { class: error.class, desc: error.desc }).error;
}

/**
 * Whether QEMU's reason to refuse the verb, where the status allows it, is that a user has paused the job, or has not: the status shows a pause only
 * once the job has reached a point where it can stand still, and a stop by an I/O error is no pause by a user. An abort may be refused for other
 * reasons, which QEMU's own words say.
 */
const decidedByPause = (verb: JobVerb, { status }: Run): boolean =>
  (verb === 'resume' || verb === 'pause') && allows(status, verb);

/** As many commands wait for the monitor as a lane may hold. */
export function sourceBusy(source: string): Refusal {
  return refuse('SOURCE_BUSY', `too many commands wait for the monitor of ${source}; nothing was sent`, {
    retryAfterMs: 1_000,
  }).error;
}
