// The state machine: a world, one input and the time give effects in QEMU's order. No socket, no clock, no randomness.
import { cancelAll } from './completion.js';
import { start } from './create.js';
import { blockGraph } from './graph.js';
import type { Lack } from './lacks.js';
import {
  type Effect,
  fail,
  type Int,
  isBlockJob,
  type JobSpec,
  type Operation,
  type Reply,
  type SimJob,
  type Verb,
  type World,
} from './model.js';
import { advance, raiseError, runDue } from './progress.js';
import { apply, setSpeed } from './verbs.js';
import { find } from './world.js';

/** `block`: the command is a block-job-* one, which finds block jobs only and has another error text for an unknown job. */
export type Input =
  | { kind: 'tick' }
  | { kind: 'start'; jobs: readonly (JobSpec | Reply)[]; grouped: boolean }
  | { kind: 'verb'; verb: Exclude<Verb, 'set-speed'>; id: string; block: boolean; soft?: boolean }
  | { kind: 'set-speed'; id: string; speed: Int }
  | { kind: 'io-error'; id: string; action: 'report' | 'ignore' | 'stop'; operation: Operation; noSpace: boolean }
  | { kind: 'query-jobs' }
  | { kind: 'query-block-jobs'; version: { major: number; minor: number } }
  | { kind: 'query-block-graph' }
  | { kind: 'quit' };

export const emptyWorld = (lacks: Iterable<Lack> = []): World => ({
  jobs: [],
  effects: [],
  disks: new Map(),
  lacks: new Set(lacks),
});

/** Changes `world`. The effects have exactly one reply for every input but `tick`. `now` in milliseconds must not go back. */
export function step(world: World, input: Input, now: number): Effect[] {
  world.effects.length = 0;
  runDue(world, now);
  if (input.kind !== 'tick') {
    const reply = answer(world, input, now);
    world.effects.push({ kind: 'reply', reply });
    runDue(world, now);
  }
  return world.effects.splice(0);
}

function answer(world: World, input: Exclude<Input, { kind: 'tick' }>, now: number): Reply {
  switch (input.kind) {
    case 'start':
      return start(world, input.jobs, input.grouped, now);
    case 'verb': {
      const job = find(world, input.id);
      if (!job || (input.block && !isBlockJob(job))) return notFound(input.id, input.block);
      return apply(world, job, input.verb, now, input.soft);
    }
    case 'set-speed': {
      const job = find(world, input.id);
      return job && isBlockJob(job) ? setSpeed(job, BigInt(input.speed), now) : notFound(input.id, true);
    }
    case 'io-error': {
      const job = find(world, input.id);
      if (!job || !isBlockJob(job) || job.deferred) return notFound(input.id, true);
      raiseError(world, job, input, now);
      return { ok: true, value: {} };
    }
    case 'query-jobs':
      return { ok: true, value: world.jobs.map((job) => jobInfo(job, now)) };
    case 'query-block-jobs':
      return {
        ok: true,
        value: world.jobs.filter(isBlockJob).map((job) => blockJobInfo(world, job, input.version, now)),
      };
    case 'query-block-graph':
      return { ok: true, value: blockGraph(world) };
    case 'quit':
      cancelAll(world);
      return { ok: true, value: {} };
  }
}

const notFound = (id: string, block: boolean): Reply =>
  block ? fail(`Block job '${id}' not found`, 'DeviceNotActive') : fail('Job not found');

const errorOf = (job: SimJob): { error?: string } => (job.error === null ? {} : { error: job.error });

function jobInfo(job: SimJob, now: number): Record<string, unknown> {
  advance(job, now);
  const { id, type, status } = job;
  return { 'current-progress': job.offset, status, 'total-progress': job.len, type, id, ...errorOf(job) };
}

function blockJobInfo(
  world: World,
  job: SimJob,
  version: { major: number; minor: number },
  now: number,
): Record<string, unknown> {
  advance(job, now);
  const { status, autoFinalize, autoDismiss, len, offset, speed, type } = job;
  const sinceV8 = version.major > 8 || (version.major === 8 && version.minor >= 2);
  const winding = job.due !== null && (job.next === 'exit' || job.next === 'settle-pause');
  // A mirror holds a pause of its own while it waits to be finalized.
  const paused =
    job.userPaused ||
    status === 'paused' ||
    status === 'standby' ||
    (job.active && ['waiting', 'pending'].includes(status));
  if (world.lacks.has('async-cancel')) return { type, device: job.id, len, offset, speed };
  const isOld = world.lacks.has('status-events');
  return {
    ...(isOld ? {} : { 'auto-finalize': autoFinalize }),
    'io-status': job.ioStatus,
    device: job.id,
    ...(isOld ? {} : { 'auto-dismiss': autoDismiss }),
    busy: winding,
    len,
    offset,
    ...(isOld ? {} : { status }),
    paused,
    speed,
    ready: status === 'ready' || status === 'standby',
    type,
    ...(type === 'mirror' && sinceV8 ? { 'actively-synced': false } : {}),
    ...errorOf(job),
  };
}
