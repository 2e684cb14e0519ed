// Starts jobs: adds them to the world with the events of their start, or gives QEMU's refusal.
import { abortTransaction } from './completion.js';
import { DONE, fail, isBlockJob, type JobSpec, type Reply, type SimJob, TRAITS, type World } from './model.js';
import { copyOn } from './progress.js';
import { enterPause, find, leavePause, transition } from './world.js';

const FIRST_CHUNK = 1024n * 1024n;
const WELL_FORMED = /^[A-Za-z][A-Za-z0-9._-]*$/;

/** Adds a job in the status `created`, or gives QEMU's refusal. */
function create(world: World, spec: JobSpec): { job: SimJob } | { refused: Reply } {
  if (!WELL_FORMED.test(spec.id)) return { refused: fail(`Invalid job ID '${spec.id}'`) };
  if (find(world, spec.id)) return { refused: fail(`Job ID '${spec.id}' already in use`) };
  const job = build(spec);
  world.jobs = [job, ...world.jobs];
  if (isBlockJob(job) && !world.disks.has(job.id)) world.disks.set(job.id, 0);
  transition(world, job, 'created');
  if (job.speed >= 0n) return { job };
  // Seen on 7.2: created, then null, then the error.
  transition(world, job, 'null');
  world.jobs = world.jobs.filter((other) => other !== job);
  return { refused: fail("Parameter 'speed' expects a non-negative value") };
}

function build(spec: JobSpec): SimJob {
  const traits = { ...TRAITS, ...Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)) };
  const stay = spec.stayReady ?? true;
  const manual = spec.type === 'create' || spec.type === 'amend';
  const job: SimJob = {
    id: spec.id,
    type: spec.type,
    active: spec.active ?? spec.type === 'mirror',
    autoFinalize: spec.autoFinalize ?? true,
    autoDismiss: manual ? false : (spec.autoDismiss ?? true),
    errorAction: spec.errorAction ?? 'report',
    stayReadyMs: stay === true ? Number.POSITIVE_INFINITY : stay === false ? 0 : stay,
    traits,
    status: 'undefined',
    started: false,
    deferred: false,
    userPaused: false,
    cancelled: false,
    forceCancel: false,
    completing: false,
    error: null,
    ioStatus: 'ok',
    errorsLeft: traits.failAt === null ? 0 : traits.errorTimes,
    speed: BigInt(spec.speed ?? 0),
    len: BigInt(traits.len),
    offset: 0n,
    since: 0,
    due: null,
    next: 'copy',
    transaction: { members: [], aborting: false },
  };
  job.transaction.members = [job];
  return job;
}

/** Preparing a backup drains all other running block jobs: each goes to paused or standby for a moment. */
function drainOthers(world: World): void {
  const others = [...world.jobs].reverse().filter((job) => isBlockJob(job) && !job.deferred && job.started);
  const drained = others.filter((job) => job.status === 'running' || job.status === 'ready');
  for (const job of drained) enterPause(world, job);
  for (const job of drained) leavePause(world, job);
}

function begin(world: World, job: SimJob, now: number): void {
  job.started = true;
  transition(world, job, 'running');
  if (job.type === 'backup') enterPause(world, job);
  // The rate limiter lets the first chunk pass and sleeps after it.
  if (job.speed > 0n) job.offset = firstChunk(job);
  copyOn(job, now);
}

function firstChunk(job: SimJob): bigint {
  const { failAt } = job.traits;
  const end = failAt === null ? job.len : BigInt(failAt);
  return end < FIRST_CHUNK ? end : FIRST_CHUNK;
}

/**
 * Starts jobs of one request. An error in one undoes those before it, which were created but never started: created, aborting, concluded, null,
 * without a BLOCK_JOB_* event.
 */
export function start(world: World, specs: readonly (JobSpec | Reply)[], grouped: boolean, now: number): Reply {
  const created: SimJob[] = [];
  for (const spec of specs) {
    if (!('ok' in spec) && spec.type === 'backup') drainOthers(world);
    const made = 'ok' in spec ? { refused: spec } : create(world, spec);
    if ('job' in made) {
      created.unshift(made.job);
      continue;
    }
    for (const job of created) {
      job.forceCancel = true;
      job.transaction = { members: [job], aborting: false };
      abortTransaction(world, job);
    }
    return made.refused;
  }
  const inOrder = [...created].reverse();
  if (grouped) {
    const transaction = { members: created, aborting: false };
    for (const job of created) job.transaction = transaction;
  }
  for (const job of inOrder) begin(world, job, now);
  for (const job of inOrder) leavePause(world, job);
  return DONE;
}
