// The verbs on jobs: the typed methods of a client, and which of them may be sent twice.
import { TIMEOUT_DEFAULT_MS, TIMEOUT_MIN_MS } from '../protocol/limits.js';
import type { AbortParams, JobTarget, MethodName, Methods, Requested, Settled } from '../protocol/methods.js';
import type { Int64, Job } from '../protocol/types.js';
import { ConnectionLost } from './errors.js';

export interface CallOptions {
  /** Milliseconds for everything, time offline included. Default: the client's `timeoutMs`, for bounded commands theirs. */
  timeoutMs?: number;
  /** Gives up waiting; what was sent stays in force. The promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface AskOptions extends CallOptions {
  repeat: 'safe' | 'never';
  /** `params` at the time of sending, where they change with it. */
  paramsAt?(now: number): unknown;
}

/** Sends one request. */
export type Ask = <Method extends MethodName>(
  method: Method,
  params: Methods[Method]['params'],
  options: AskOptions,
) => Promise<Methods[Method]['result']>;

export type WaitParams = Methods['job.wait']['params'];
export type CompleteParams = Methods['job.complete']['params'];

/** The commands; each rejects with a GatewayError. Only reads, and aborts and waits that name their run, are ever sent twice. */
export interface JobVerbs {
  /** Cancels a job. With a `run` it is sent again after a reconnect, within its bound, and a run that has ended answers with its
   * settlement; CONNECTION_LOST where the second sending is refused, since the first may have been carried out. Without one it concerns the run that is live when the gateway receives it, JOB_NOT_FOUND if there is none, and
   * rejects with CONNECTION_LOST where the connection drops before the answer. */
  abort(params: AbortParams & { sync: true }, options?: Pick<CallOptions, 'signal'>): Promise<Settled>;
  abort(params: AbortParams, options?: Pick<CallOptions, 'signal'>): Promise<Requested | Settled>;
  /** The fresh state of one job, or of a settled run. */
  jobGet(target: JobTarget, options?: CallOptions): Promise<Job>;
  jobList(params?: Methods['job.list']['params'], options?: CallOptions): Promise<Methods['job.list']['result']>;
  /** Resolves when the run has ended. What `abort` says of `run` holds here too. */
  jobWait(params: WaitParams, options?: Pick<CallOptions, 'signal'>): Promise<Settled>;
  jobComplete(params: CompleteParams, options?: Pick<CallOptions, 'signal'>): Promise<Requested | Settled>;
  jobPause(target: JobTarget, options?: CallOptions): Promise<Requested>;
  jobResume(target: JobTarget, options?: CallOptions): Promise<Requested>;
  jobFinalize(target: JobTarget, options?: CallOptions): Promise<Requested>;
  jobDismiss(target: JobTarget, options?: CallOptions): Promise<Requested>;
  /** `speed` in bytes per second, 0 is unlimited. */
  jobSetSpeed(target: JobTarget & { speed: Int64 }, options?: CallOptions): Promise<Requested>;
}

/** Answers that say that nothing was sent. */
const REFUSED = /^(STALE_RUN|JOB_|SOURCE_)/;

/** The server answers within its bound; this much more is for the network. */
const GRACE_MS = 5_000;

export function jobVerbs(ask: Ask, now: () => number): JobVerbs {
  /** A command whose `timeoutMs` runs from the call: whenever it is sent, it carries what is left. */
  function bounded<Method extends 'job.abort' | 'job.wait' | 'job.complete'>(
    method: Method,
    params: Methods[Method]['params'],
    repeat: AskOptions['repeat'],
    options: CallOptions,
  ): Promise<Methods[Method]['result']> {
    const { timeoutMs = TIMEOUT_DEFAULT_MS, ...target } = params;
    const until = now() + timeoutMs;
    let sent = 0;
    const paramsAt = (time: number) => {
      sent += 1;
      // A bound outside the limits is the server's to refuse; what is left of a good one is kept inside.
      return { ...target, timeoutMs: Math.max(Math.min(timeoutMs, TIMEOUT_MIN_MS), until - time) };
    };
    return ask(method, params, { ...options, timeoutMs: timeoutMs + GRACE_MS, repeat, paramsAt }).catch((error) => {
      // A refusal of the second sending says nothing of the first, which may have been carried out: after a restart the
      // gateway does not know the run any more.
      throw sent > 1 && method === 'job.abort' && REFUSED.test(error.reason) ? new ConnectionLost(method) : error;
    });
  }
  /** Without a run the gateway binds to the one that is live at receipt: a second sending could hit the next run of the id. */
  const repeatOf = ({ run }: JobTarget): AskOptions['repeat'] => (run === undefined ? 'never' : 'safe');
  const once = (options: CallOptions = {}): AskOptions => ({ ...options, repeat: 'never' });
  const safe = (options: CallOptions = {}): AskOptions => ({ ...options, repeat: 'safe' });

  return {
    abort: (params: AbortParams, options = {}) =>
      bounded('job.abort', params, repeatOf(params), options) as Promise<Settled>,
    jobGet: (target, options) => ask('job.get', target, safe(options)),
    jobList: (params = {}, options) => ask('job.list', params, safe(options)),
    jobWait: (params, options = {}) => bounded('job.wait', params, repeatOf(params), options),
    jobComplete: (params, options = {}) => bounded('job.complete', params, 'never', options),
    jobPause: (target, options) => ask('job.pause', target, once(options)),
    jobResume: (target, options) => ask('job.resume', target, once(options)),
    jobFinalize: (target, options) => ask('job.finalize', target, once(options)),
    jobDismiss: (target, options) => ask('job.dismiss', target, once(options)),
    jobSetSpeed: (target, options) => ask('job.setSpeed', target, once(options)),
  };
}
