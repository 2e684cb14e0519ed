// How far jobs have copied at a given time, and when each coroutine is due next.
import { complete } from './completion.js';
import type { Operation, SimJob, World } from './model.js';
import { emit, emitBlockJob, enterPause, leavePause, transition } from './world.js';

function rate(job: SimJob): number {
  const speed = job.speed === 0n ? Number.POSITIVE_INFINITY : Number(job.speed);
  return Math.min(speed, job.traits.bytesPerSecond);
}

/** The offset of the copy's next event: the failure, or the end. */
function milestone(job: SimJob): bigint {
  const failAt = job.traits.failAt === null || job.errorsLeft === 0 ? null : BigInt(job.traits.failAt);
  return failAt !== null && failAt < job.len ? failAt : job.len;
}

/** Advances `offset` to `now` while the job copies. */
export function advance(job: SimJob, now: number): void {
  if (job.status !== 'running' || job.next !== 'copy' || job.due === null) return;
  const goal = milestone(job);
  if (job.due <= now) job.offset = goal;
  else {
    const copied = BigInt(Math.floor((rate(job) * Math.max(0, now - job.since)) / 1000));
    job.offset = job.offset + copied < goal ? job.offset + copied : goal;
  }
  job.since = now;
}

/** The coroutine copies from now on, and is due when it reaches its milestone. */
export function copyOn(job: SimJob, now: number): void {
  const left = Number(milestone(job) - job.offset);
  const perSecond = rate(job);
  job.since = now;
  job.next = 'copy';
  job.due = left <= 0 ? now : perSecond === Number.POSITIVE_INFINITY ? now : now + (left / perSecond) * 1000;
}

/** What a READY job does next: nothing, its accepted completion or soft cancel, or its end by `stayReady`. */
export function stayReady(job: SimJob, now: number): void {
  const asked = job.completing || job.cancelled;
  job.next = asked ? 'exit' : 'complete-self';
  const wait = asked ? (job.forceCancel ? job.traits.drainMs : job.traits.syncMs) : job.stayReadyMs;
  job.due = wait === Number.POSITIVE_INFINITY ? null : now + wait;
}

/** The coroutine goes on as the job's state says. */
export function proceed(job: SimJob, now: number): void {
  if (job.forceCancel || job.error !== null) exitAfter(job, now, job.traits.drainMs);
  else if (job.status === 'ready') stayReady(job, now);
  else copyOn(job, now);
}

export function exitAfter(job: SimJob, now: number, ms: number): void {
  job.next = 'exit';
  job.due = ms === Number.POSITIVE_INFINITY ? null : now + ms;
}

/** One step of a coroutine that is due. */
function turn(world: World, job: SimJob, now: number): void {
  advance(job, now);
  job.due = null;
  switch (job.next) {
    case 'exit':
      complete(world, job);
      break;
    case 'complete-self':
      job.completing = true;
      complete(world, job);
      break;
    case 'settle-pause':
      enterPause(world, job);
      break;
    case 'copy':
      if (job.offset < job.len) meetError(world, job, now);
      else reachEnd(world, job, now);
      break;
  }
}

function reachEnd(world: World, job: SimJob, now: number): void {
  if (!job.active) {
    complete(world, job);
    return;
  }
  transition(world, job, 'ready');
  emitBlockJob(world, 'BLOCK_JOB_READY', job);
  stayReady(job, now);
}

function meetError(world: World, job: SimJob, now: number): void {
  job.errorsLeft -= 1;
  const noSpace = job.traits.error === 'No space left on device';
  const action = job.errorAction === 'enospc' ? (noSpace ? 'stop' : 'report') : job.errorAction;
  raiseError(world, job, { action, operation: job.traits.operation, noSpace }, now);
  if (action === 'ignore') copyOn(job, now);
}

export interface IoError {
  action: 'report' | 'ignore' | 'stop';
  operation: Operation;
  noSpace: boolean;
}

/** `stop` pauses the job as a user would, a READY job too; `report` fails it once its I/O in flight is done. */
export function raiseError(world: World, job: SimJob, { action, operation, noSpace }: IoError, now: number): void {
  advance(job, now);
  emit(world, 'BLOCK_JOB_ERROR', { device: job.id, operation, action });
  switch (action) {
    case 'ignore':
      return;
    case 'stop':
      job.userPaused = true;
      job.due = null;
      if (job.ioStatus === 'ok') job.ioStatus = noSpace ? 'nospace' : 'failed';
      enterPause(world, job);
      return;
    case 'report':
      job.error = noSpace ? 'No space left on device' : job.traits.error;
      leavePause(world, job);
      if (job.traits.drainMs > 0) exitAfter(job, now, job.traits.drainMs);
      else complete(world, job);
  }
}

/** Runs every coroutine that is due, earliest first, and oldest first among equals. `limit` ends an endless loop, which would be a bug here. */
export function runDue(world: World, now: number, limit = 100_000): void {
  for (let turns = 0; turns < limit; turns += 1) {
    let chosen: SimJob | undefined;
    for (const job of world.jobs) {
      if (job.due === null || job.due > now) continue;
      if (!chosen || job.due <= (chosen.due ?? 0)) chosen = job;
    }
    if (!chosen) return;
    turn(world, chosen, Math.max(chosen.due ?? now, chosen.since));
  }
  throw new Error('a simulated job never comes to rest');
}

/** The time in milliseconds at which {@link runDue} must be called next; `null`: not until an input comes. */
export function nextDue(world: World): number | null {
  let next: number | null = null;
  for (const { due } of world.jobs) if (due !== null && (next === null || due < next)) next = due;
  return next;
}
