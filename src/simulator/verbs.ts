// Commands on one job: each changes the job and gives the reply. Errors are QEMU's, with its texts.
import { abortTransaction, complete, dismiss, finalizeTransaction, markCancelled } from './completion.js';
import { DONE, fail, LEGAL, type Reply, type SimJob, type Verb, type World } from './model.js';
import { advance, copyOn, exitAfter, proceed, stayReady } from './progress.js';
import { enterPause, leavePause } from './world.js';

/** null: the verb is legal now. */
function refusal(job: SimJob, verb: Verb): Reply | null {
  if (LEGAL[verb].includes(job.status)) return null;
  return fail(`Job '${job.id}' in state '${job.status}' cannot accept command verb '${verb}'`);
}

/** Any verb but set-speed. `soft` is block-job-cancel without force. */
export function apply(world: World, job: SimJob, verb: Exclude<Verb, 'set-speed'>, now: number, soft = false): Reply {
  advance(job, now);
  switch (verb) {
    case 'cancel':
      return soft && job.userPaused
        ? fail(`The block job for device '${job.id}' is currently paused`)
        : (refusal(job, verb) ?? cancel(world, job, !soft, now));
    case 'pause':
      return refusal(job, verb) ?? pause(world, job, now);
    case 'resume':
      if (!job.userPaused) return fail("Can't resume a job that was not paused");
      return refusal(job, verb) ?? resume(world, job, now);
    case 'complete':
      return refusal(job, verb) ?? requestCompletion(job, now);
    case 'finalize':
      return refusal(job, verb) ?? done(() => finalizeTransaction(world, job));
    case 'dismiss':
      return refusal(job, verb) ?? done(() => dismiss(world, job));
  }
}

function done(act: () => void): Reply {
  act();
  return DONE;
}

function cancel(world: World, job: SimJob, force: boolean, now: number): Reply {
  const wasPaused = job.status === 'paused' || job.status === 'standby';
  const earlier = job.next === 'exit' ? job.due : null;
  markCancelled(job, force);
  if (job.deferred) {
    if (job.forceCancel) abortTransaction(world, job);
    return DONE;
  }
  leavePause(world, job);
  if (!job.forceCancel) {
    // A repeated soft cancel changes nothing, nor does one after job-complete.
    if (earlier === null) stayReady(job, now);
    return DONE;
  }
  // A paused job has no I/O in flight. One that is already ending goes on, but no longer than a forced cancel takes.
  const wait = wasPaused ? 0 : job.traits.drainMs;
  if (job.error !== null && earlier !== null) return DONE;
  exitAfter(job, now, wait);
  // Mirrors end in a later iteration of the main loop, the other types within the command.
  if (wait === 0 && !job.active) complete(world, job);
  return DONE;
}

function pause(world: World, job: SimJob, now: number): Reply {
  if (job.userPaused) return fail('Job is already paused');
  job.userPaused = true;
  // A job that is ending anyway (forced cancel, failure) can't be paused any more.
  if (job.forceCancel || job.error !== null) return DONE;
  const inFlight = job.status === 'running' ? job.traits.drainMs : 0;
  if (inFlight > 0) {
    job.next = 'settle-pause';
    job.due = now + inFlight;
  } else {
    job.due = null;
    enterPause(world, job);
  }
  return DONE;
}

function resume(world: World, job: SimJob, now: number): Reply {
  job.userPaused = false;
  job.ioStatus = 'ok';
  leavePause(world, job);
  proceed(job, now);
  return DONE;
}

function requestCompletion(job: SimJob, now: number): Reply {
  if (!job.active || job.cancelled) return fail(`The active block job '${job.id}' cannot be completed`);
  job.completing = true;
  if (job.status === 'ready') stayReady(job, now);
  return DONE;
}

export function setSpeed(job: SimJob, speed: bigint, now: number): Reply {
  const refused = refusal(job, 'set-speed');
  if (refused) return refused;
  if (speed < 0n) return fail("Parameter 'speed' expects a non-negative value");
  advance(job, now);
  job.speed = speed;
  if (job.status === 'running' && job.next === 'copy') copyOn(job, now);
  return DONE;
}
