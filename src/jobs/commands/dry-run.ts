// What a verb would do now, by what the gateway knows: the checks of the call itself and the rules of QEMU. Nothing is written to a monitor, not even a
// query, and the log gets no entry.
import { type Answer, refuse } from '../../protocol/answer.js';
import type { AbortParams, DryRun, JobTarget } from '../../protocol/methods.js';
import { effectOf, hintFor, isBlockJob } from '../../protocol/rules.js';
import type { Int64, JobVerb } from '../../protocol/types.js';
import type { Run } from '../model/run.js';
import type { SourceRegistry } from '../tracking/source-registry.js';
import type { SourceTracker } from '../tracking/source-tracker.js';
import { beingCancelled, beingCompleted, hasEnded, isCompleting, sourceDown, stale, unsupported } from './refusals.js';

/** Params of every verb. */
export type VerbParams = JobTarget & Pick<AbortParams, 'force' | 'escalateAfterMs'> & { speed?: Int64 };

/** They are answered by the settlement where the run has ended. */
const ENDS: readonly JobVerb[] = ['abort', 'complete'];

export function dryRun(registry: SourceRegistry, verb: JobVerb, params: VerbParams): Answer<DryRun> {
  const { source, job, run } = params;
  const tracker = registry.get(source);
  if (!tracker) return refuse('SOURCE_NOT_FOUND', `no source ${source}`);
  const live = tracker.runNamed(job);
  if (!live || (run !== undefined && live.run !== run)) {
    const ended = run === undefined ? undefined : registry.history.ended({ source, job, run })?.settled;
    if (ended) return ENDS.includes(verb) ? nothingSent(ended, 'concluded', 'ended') : hasEnded();
    if (!tracker.isUp) return sourceDown(tracker);
    return live ? stale(live) : refuse('JOB_NOT_FOUND', `no job ${job} on ${source}`);
  }
  if (!tracker.isUp) return sourceDown(tracker);
  const named = { source, job: live.ref.id, run: live.run };
  if (live.end || live.settled) {
    if (ENDS.includes(verb)) return nothingSent(named, live.status, 'ended');
    if (live.end?.dismissed) return hasEnded();
  }
  return onLive(tracker, live, verb, params);
}

function onLive(tracker: SourceTracker, run: Run, verb: JobVerb, params: VerbParams): Answer<DryRun> {
  const { force = false, escalateAfterMs, speed } = params;
  const { id, status, source } = run;
  if (!tracker.can(verb)) return unsupported(tracker, verb);
  if ((force || escalateAfterMs !== undefined) && !tracker.can('force'))
    return unsupported(tracker, force ? 'force' : 'escalateAfterMs');
  if (verb === 'abort' && !force && isCompleting(run)) return beingCompleted(run);
  const named = { source, job: run.ref.id, run: run.run };
  if (isUnderway(run, verb, force)) return nothingSent(named, status, 'underway');
  if (verb === 'complete' && run.soft !== 'none') return beingCancelled(run);
  const effect = effectOf(verb, run, { force });
  // QEMU has only job-cancel for a job that is no block job, and it always forces.
  const forces = verb === 'abort' && (force || !isBlockJob(run.type));
  const sends = tracker.carrierOf({ verb, id, force: forces, ...(speed !== undefined && { speed }) });
  if (effect === undefined || !sends)
    return refuse('JOB_STATE', `a ${status} job cannot ${verb}`, {
      status,
      hint: hintFor(status, verb, (each) => tracker.can(each)),
    });
  return { ok: true, result: { status: 'dryRun', ...named, jobStatus: status, effect, sends } };
}

/** A soft cancel after a forced one shares it. */
function isUnderway({ soft, force, complete }: Run, verb: JobVerb, forced: boolean): boolean {
  if (verb === 'complete') return complete !== 'none';
  return verb === 'abort' && (force !== 'none' || (!forced && soft !== 'none'));
}

function nothingSent(
  { source, job, run }: Required<JobTarget>,
  jobStatus: DryRun['jobStatus'],
  effect: DryRun['effect'],
): Answer<DryRun> {
  return { ok: true, result: { status: 'dryRun', source, job, run, jobStatus, effect, sends: null } };
}
