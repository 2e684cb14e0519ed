// A job whose coroutine has ended, and its transaction: through waiting and pending, or aborting, to concluded and null. Follows job.c function by
// function, since the order of events comes from there.
import type { SimJob, World } from './model.js';
import { emit, emitBlockJob, enterPause, leavePause, transition } from './world.js';

const COMPLETED = ['waiting', 'pending', 'aborting', 'concluded', 'null'];
const isCompleted = (job: SimJob): boolean => COMPLETED.includes(job.status);

/** job_update_rc: a job cancelled by force has failed with ECANCELED, unless it had failed before. */
function updateResult(world: World, job: SimJob): void {
  if (job.error === null && job.forceCancel) job.error = 'Operation canceled';
  if (job.error !== null) transition(world, job, 'aborting');
}

/** job_completed */
export function complete(world: World, job: SimJob): void {
  job.deferred = true;
  job.due = null;
  updateResult(world, job);
  if (job.error !== null) abortTransaction(world, job);
  else succeed(world, job);
}

function succeed(world: World, job: SimJob): void {
  transition(world, job, 'waiting');
  const members = [...job.transaction.members];
  if (!members.every(isCompleted)) return;
  for (const member of members) {
    transition(world, member, 'pending');
    if (!member.autoFinalize) emit(world, 'BLOCK_JOB_PENDING', { type: member.type, id: member.id });
  }
  if (members.every((member) => member.autoFinalize)) finalizeTransaction(world, job);
}

/** job_do_finalize: finalizing one member finalizes all. */
export function finalizeTransaction(world: World, job: SimJob): void {
  for (const member of [...job.transaction.members]) finalizeOne(world, member);
}

/** job_completed_txn_abort: all other members are force-cancelled; then all end, newest first. */
export function abortTransaction(world: World, job: SimJob): void {
  const { transaction } = job;
  if (transaction.aborting) return;
  transaction.aborting = true;
  for (const member of transaction.members) if (member !== job) markCancelled(member, true);
  for (const member of [...transaction.members]) {
    if (!isCompleted(member)) {
      leavePause(world, member);
      complete(world, member);
    }
    finalizeOne(world, member);
  }
}

function finalizeOne(world: World, job: SimJob): void {
  updateResult(world, job);
  // QEMU ignores a soft cancel after a complete, and refuses a complete after a soft cancel.
  const pivoted = job.started && job.active && job.completing && job.error === null;
  if (pivoted) world.disks.set(job.id, (world.disks.get(job.id) ?? 0) + 1);
  if (job.started) {
    if (job.forceCancel) emitBlockJob(world, 'BLOCK_JOB_CANCELLED', job, { pivoted });
    else emitBlockJob(world, 'BLOCK_JOB_COMPLETED', job, { pivoted, error: job.error });
  }
  job.transaction.members = job.transaction.members.filter((member) => member !== job);
  transition(world, job, 'concluded');
  if (job.autoDismiss || !job.started) dismiss(world, job);
}

export function dismiss(world: World, job: SimJob): void {
  transition(world, job, 'null');
  world.jobs = world.jobs.filter((other) => other !== job);
}

/** job_cancel_async: resumes a user-paused job; a soft request never weakens a forced one. */
export function markCancelled(job: SimJob, force: boolean): void {
  const ready = job.status === 'ready' || job.status === 'standby';
  const forced = force || !(job.active && ready);
  job.userPaused = false;
  job.ioStatus = 'ok';
  if (!forced && job.deferred) return;
  job.cancelled = true;
  job.forceCancel ||= forced;
}

/** The end of QEMU: all are drained, oldest first; then each is force-cancelled, newest first (job_cancel_sync_all). */
export function cancelAll(world: World): void {
  for (const job of [...world.jobs].reverse()) if (!job.deferred) enterPause(world, job);
  for (let job = world.jobs[0]; job; job = world.jobs[0]) {
    if (job.status === 'concluded') {
      dismiss(world, job);
      continue;
    }
    markCancelled(job, true);
    leavePause(world, job);
    if (job.deferred) abortTransaction(world, job);
    else complete(world, job);
    // A concluded job with auto-dismiss off is dismissed in the next iteration.
  }
}
