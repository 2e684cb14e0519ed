// The simulated jobs as data: states, verbs, QEMU's tables, and what a step of the state machine gives.
import type { IoStatus, JobStatus, JobType } from '../protocol/index.js';
import type { Lacks } from './lacks.js';

/** An integer as callers give it: bytes, or bytes per second. */
export type Int = number | bigint;

export type ErrorAction = 'report' | 'ignore' | 'stop' | 'enospc';
export type Operation = 'read' | 'write';
export type Verb = 'cancel' | 'pause' | 'resume' | 'set-speed' | 'complete' | 'finalize' | 'dismiss';

/** The behaviour of the storage under a job. Defaults in {@link TRAITS}. */
export interface Traits {
  /** Total work in bytes. */
  len: Int;
  /** Speed of the storage; with Infinity the copy ends in the step that started it. A job's own `speed` limits it further. */
  bytesPerSecond: number;
  /** Milliseconds that I/O in flight needs before an accepted cancel, pause or failure takes effect. */
  drainMs: number;
  /** Milliseconds that a soft cancel or completion of a READY job needs for its last dirty data; Infinity never ends. */
  syncMs: number;
  /** Offset at which I/O fails, `errorTimes` times; null never fails. */
  failAt: Int | null;
  errorTimes: number;
  operation: Operation;
  /** strerror of the failure. "No space left on device" is what turns `enospc` into a stop. */
  error: string;
}

export const TRAITS: Traits = {
  len: 8 * 1024 * 1024,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  drainMs: 0,
  syncMs: 0,
  failAt: null,
  errorTimes: 1,
  operation: 'write',
  error: 'Input/output error',
};

export interface JobSpec extends Partial<Traits> {
  id: string;
  type: JobType;
  /** A commit of the active layer: becomes READY as a mirror does. Default: `true` for mirror, else `false`. */
  active?: boolean;
  /** Bytes per second, 0 to 2^63-1; 0 is unlimited. Default 0. */
  speed?: Int;
  /** Default true. */
  autoFinalize?: boolean;
  /** Default true. `create` and `amend` are always `false`, as in QEMU. */
  autoDismiss?: boolean;
  /** What an I/O error does. Default `report`. */
  errorAction?: ErrorAction;
  /** `true`: stays READY until a command ends it, as in QEMU. Milliseconds: completes by itself after that. `false` is 0. Default true. */
  stayReady?: boolean | number;
}

/** Jobs that end together (completion-mode grouped), newest first as in QEMU's list. Every job has one, mostly as its only member. */
export interface Transaction {
  members: SimJob[];
  aborting: boolean;
}

/** What a job's coroutine does at `due`. `exit` ends it, with success, failure or cancel as the flags say. */
export type Next = 'copy' | 'settle-pause' | 'complete-self' | 'exit';

export interface SimJob {
  readonly id: string;
  readonly type: JobType;
  readonly active: boolean;
  readonly autoFinalize: boolean;
  readonly autoDismiss: boolean;
  readonly errorAction: ErrorAction;
  readonly stayReadyMs: number;
  readonly traits: Traits;
  status: JobStatus | 'undefined' | 'null';
  started: boolean;
  /** The coroutine has returned; only the main loop touches the job now (`deferred_to_main_loop`). */
  deferred: boolean;
  userPaused: boolean;
  cancelled: boolean;
  forceCancel: boolean;
  completing: boolean;
  /** strerror of the failure, before and after the job is concluded. */
  error: string | null;
  ioStatus: IoStatus;
  errorsLeft: number;
  speed: bigint;
  len: bigint;
  offset: bigint;
  /** Time at which `offset` was true, in milliseconds. */
  since: number;
  due: number | null;
  next: Next;
  transaction: Transaction;
}

export interface QmpError {
  class: 'GenericError' | 'CommandNotFound' | 'DeviceNotActive' | 'DeviceNotFound' | 'KVMMissingCap';
  desc: string;
}

export interface SimEvent {
  event: string;
  data: Record<string, unknown>;
  /** Only for the record, with BLOCK_JOB_COMPLETED and _CANCELLED: whether the job switched its disk to the copy. */
  pivoted?: boolean;
}

/** Effects of a step, in order. `reply` is at the place that QEMU's return has among the events of its command. */
export type Effect = { kind: 'event'; event: SimEvent } | { kind: 'reply'; reply: Reply };
export type Reply = { ok: true; value: unknown } | { ok: false; error: QmpError };

/** All jobs of one simulated QEMU, newest first, and the effects of the present step. */
export interface World {
  jobs: SimJob[];
  readonly effects: Effect[];
  /** Number of pivots of each job id's disk. */
  readonly disks: Map<string, number>;
  readonly lacks: Lacks;
}

/** QEMU's JobVerbTable (job.c). */
export const LEGAL: Record<Verb, readonly string[]> = {
  cancel: ['created', 'running', 'paused', 'ready', 'standby', 'waiting', 'pending'],
  pause: ['created', 'running', 'paused', 'ready', 'standby'],
  resume: ['created', 'running', 'paused', 'ready', 'standby'],
  'set-speed': ['created', 'running', 'paused', 'ready', 'standby'],
  complete: ['ready', 'standby'],
  finalize: ['pending'],
  dismiss: ['concluded'],
};

/** QEMU's JobSTT (job.c), without same-state entries, which emit nothing. */
export const TRANSITIONS: Record<string, readonly string[]> = {
  undefined: ['created'],
  created: ['running', 'aborting', 'null'],
  running: ['paused', 'ready', 'waiting', 'aborting'],
  paused: ['running'],
  ready: ['standby', 'waiting', 'aborting'],
  standby: ['ready'],
  waiting: ['pending', 'aborting'],
  pending: ['aborting', 'concluded'],
  aborting: ['concluded'],
  concluded: ['null'],
  null: [],
};

/** Only these types raise BLOCK_JOB_* events and accept block-job-* commands. */
export const isBlockJob = (job: SimJob): boolean => ['mirror', 'backup', 'commit', 'stream'].includes(job.type);

export const fail = (desc: string, errorClass: QmpError['class'] = 'GenericError'): { ok: false; error: QmpError } => ({
  ok: false,
  error: { class: errorClass, desc },
});
export const DONE: Reply = { ok: true, value: {} };
