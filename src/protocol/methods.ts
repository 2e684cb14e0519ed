// Methods and notifications of the wire `qmp-gateway.v1`, with their params and results. Imports only the wire's types.
import type { HistoryParams, HistoryRun, RunStory } from './history.js';
import type { VerbEffect } from './rules.js';
import type {
  Cursor,
  Entry,
  Filter,
  Int64,
  Job,
  JobStatus,
  Outcome,
  Pivoted,
  PivotProof,
  Progress,
  Provenance,
  RunId,
  SettledRun,
  SourceInfo,
} from './types.js';

export interface JobTarget {
  source: string;
  job: string;
  /** The command applies to this run only, never to another run with the same job id. */
  run?: RunId;
}

export interface AbortParams extends JobTarget {
  /** Whether to wait for the settlement. Default false. */
  sync?: boolean;
  /** Milliseconds from receipt, 100 to 3,600,000. Default 30,000. Applies with and without `sync`. */
  timeoutMs?: number;
  /** Cancel a READY mirror at once instead of letting it finish its copy. Default false. */
  force?: boolean;
  /** Milliseconds from QEMU's acceptance after which a soft cancel becomes a forced one, 0 to 3,600,000. Default: never. Not with `force`. */
  escalateAfterMs?: number;
}

export interface SubscribeParams extends Filter {
  /** Goes on after this position, if the gateway still has everything since; otherwise as without it. */
  after?: Cursor;
  /** Begins so many matching entries back, 1 to 10,000. Implies `snapshot: false`, excludes `after`. Feature `last`. */
  last?: number;
  /** Begins at that time, ISO 8601. Implies `snapshot: false`, excludes `after` and `last`. Feature `from`. */
  from?: string;
  /** 1 to 8: distinguishes equal filters of one connection. Feature `tag`. */
  tag?: number;
  /** Whether the present jobs and settlements come first where it does not go on after `after`. Default true. */
  snapshot?: boolean;
  /** `true` is 1000 ms. Default false. */
  progress?: boolean | number;
}

/** QEMU has accepted the command; all of its consequences come after `cursor`. */
export interface Requested {
  status: 'requested';
  source: string;
  job: string;
  run: RunId;
  cursor: Cursor;
}

/** The run has ended; `cursor` is that of its GATEWAY_JOB_SETTLED. */
export interface Settled {
  status: 'settled';
  outcome: Outcome;
  provenance: Provenance;
  pivoted: Pivoted;
  pivotProof: PivotProof;
  forced: boolean;
  escalated: boolean;
  dismissed: boolean;
  error?: string;
  source: string;
  job: string;
  run: RunId;
  cursor: Cursor;
}

/** Of every verb. Feature `dryRun`. */
export interface DryRunParam {
  /** Whether to say what the verb would do now, and to do nothing. Default false. */
  dryRun?: boolean;
}

/** What a verb would do now: nothing was sent to QEMU, and the log has no entry of it. What would be refused is an error, as without `dryRun`. */
export interface DryRun {
  status: 'dryRun';
  source: string;
  job: string;
  run: RunId;
  /** The job's status, which decides. */
  jobStatus: JobStatus;
  /** `underway`: the same command was sent before, and the call would share it. `ended`: the call would be answered by the settlement. */
  effect: VerbEffect | 'underway' | 'ended';
  /** What would be written to the monitor, or called of libvirt; `null`: nothing. */
  sends: { command: string; arguments: Record<string, unknown> } | null;
}

export interface ServerInfo {
  version: string;
  epoch: string;
  cursor: Cursor;
  limits: Record<string, number>;
  bookmarkMs: number;
  /** Features beyond the first release of v1; servers of that release omit the member. */
  features?: readonly string[];
}

export interface Subscribed {
  subscription: string;
  cursor: Cursor;
  resumed: boolean;
  sources: SourceInfo[];
  jobs?: Job[];
  settled?: SettledRun[];
  /** Number of `snapshot` notifications that follow, where the snapshot did not fit the reply. */
  pages?: number;
  /** With `last`: there may be more matching entries beyond those that were examined; with `from`: the retention begins later. */
  truncated?: boolean;
}

/** Every method with its params and its result. */
export interface Methods {
  'server.info': { params: Record<string, never>; result: ServerInfo };
  authenticate: {
    params: { token: string };
    result: { principal: string; scopes: string[]; expiresAt: string | null };
  };
  'source.list': { params: Record<string, never>; result: { sources: SourceInfo[] } };
  'job.list': {
    params: { sources?: readonly string[]; limit?: number; pageToken?: string };
    result: { cursor: Cursor; jobs: Job[]; pageToken?: string };
  };
  'job.get': { params: JobTarget; result: Job };
  'job.abort': { params: AbortParams & DryRunParam; result: Requested | Settled | DryRun };
  'job.wait': { params: JobTarget & { timeoutMs?: number }; result: Settled };
  'job.complete': {
    params: JobTarget & { sync?: boolean; timeoutMs?: number } & DryRunParam;
    result: Requested | Settled | DryRun;
  };
  'job.pause': { params: JobTarget & DryRunParam; result: Requested | DryRun };
  'job.resume': { params: JobTarget & DryRunParam; result: Requested | DryRun };
  'job.finalize': { params: JobTarget & DryRunParam; result: Requested | DryRun };
  'job.dismiss': { params: JobTarget & DryRunParam; result: Requested | DryRun };
  'job.setSpeed': { params: JobTarget & { speed: Int64 } & DryRunParam; result: Requested | DryRun };
  'history.list': { params: HistoryParams; result: { runs: HistoryRun[]; pageToken?: string } };
  'history.get': { params: JobTarget; result: RunStory };
  subscribe: { params: SubscribeParams; result: Subscribed };
  unsubscribe: { params: { subscription: string }; result: Record<string, never> };
}
export type MethodName = keyof Methods;

/** Every notification that the server sends. */
export interface Notifications {
  events: { subscription: string; cursor: Cursor; events: Entry[] };
  progress: { subscription: string; jobs: Progress[] };
  snapshot: { subscription: string; page: number; last: boolean; cursor: Cursor; jobs: Job[]; settled?: SettledRun[] };
  reset: {
    subscription: string;
    reason: 'retention' | 'epoch' | 'grants';
    /** With `grants`: the id under which the subscription continues. */
    next?: string;
    cursor: Cursor;
    jobs: Job[];
    settled: SettledRun[];
    sources: SourceInfo[];
    pages?: number;
  };
  bookmark: { cursor: Cursor; time: string };
  /** The credentials of the connection end then; `authenticate` with new ones renews them in place. */
  expiring: { expiresAt: string };
  bye: { code: number; reason: string; retryAfterMs: number };
}
export type NotificationName = keyof Notifications;

export type RpcId = string | number;
export interface RpcRequest {
  jsonrpc: '2.0';
  id: RpcId;
  method: string;
  params?: unknown;
  /** W3C Trace Context of the caller; a malformed one is ignored. Feature `trace`. */
  traceparent?: string;
  tracestate?: string;
}
export interface RpcResult<Result = unknown> {
  jsonrpc: '2.0';
  id: RpcId;
  result: Result;
}
export interface RpcErrorBody {
  code: number;
  message: string;
  data?: { reason: string } & Record<string, unknown>;
}
export interface RpcFailure {
  jsonrpc: '2.0';
  id: RpcId | null;
  error: RpcErrorBody;
}
export type Notification = {
  [Name in NotificationName]: { jsonrpc: '2.0'; method: Name; params: Notifications[Name] };
}[NotificationName];
export type ServerMessage = RpcResult | RpcFailure | Notification;
