// The typed methods for jobs, and which of them may be sent twice.
import type { HistoryParams, RunStory } from '../protocol/history.js';
import { TIMEOUT_DEFAULT_MS, TIMEOUT_MIN_MS } from '../protocol/limits.js';
import type { AbortParams, DryRun, JobTarget, MethodName, Methods, Requested, Settled } from '../protocol/methods.js';
import type { Int64, Job, JobVerb } from '../protocol/types.js';
import { CLIENT_ERRORS, ConnectionLost, type GatewayError } from './errors.js';

export interface CallOptions {
  /**
   * Milliseconds for the whole call, including time without a connection. Default: the client's `timeoutMs`; for commands with a bound, that bound.
   */
  timeoutMs?: number;
  /** Ends the wait; what was sent stays in force. The promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * W3C `traceparent` of what this call is a part of: the gateway's span of the command becomes its child. Only for a gateway whose `info().features`
   * have `trace`: an older one refuses the request.
   */
  traceparent?: string;
}

/** Of a call whose bound is among its params. */
export type BoundedOptions = Omit<CallOptions, 'timeoutMs'>;

export interface RequestOptions extends CallOptions {
  repeat: 'safe' | 'never';
  /** Params as of the time of sending, where they depend on it. */
  paramsAt?(now: number): unknown;
}

/** Of a call without `dryRun`. */
type ResultOf<Method extends MethodName> = Exclude<Methods[Method]['result'], DryRun>;

/** Sends one request. */
export type SendRequest = <Method extends MethodName>(
  method: Method,
  params: Methods[Method]['params'],
  options: RequestOptions,
) => Promise<ResultOf<Method>>;

export type WaitParams = Methods['job.wait']['params'];
export type CompleteParams = Omit<Methods['job.complete']['params'], 'dryRun'>;
/** Params of the verb that is tried. */
export type DryRunParams = Omit<AbortParams, 'sync' | 'timeoutMs'> & { speed?: Int64 };

/** The commands; each rejects with a GatewayError. Only reads, and aborts and waits that name their run, are ever sent twice. */
export interface JobVerbs {
  /**
   * Cancels a job. With a `run` the request is sent again after a reconnect, within its bound, and for a run that has ended the gateway answers with
   * its settlement. It rejects with CONNECTION_LOST if the second request is refused, since the first may have been carried out. Without a `run` it
   * applies to the run that is live when the gateway receives it (JOB_NOT_FOUND if there is none), and rejects with CONNECTION_LOST if the connection
   * is lost before the answer.
   */
  abort(params: AbortParams & { sync: true }, options?: BoundedOptions): Promise<Settled>;
  abort(params: AbortParams, options?: BoundedOptions): Promise<Requested | Settled>;
  /** The fresh state of one job, or of a settled run. */
  jobGet(target: JobTarget, options?: CallOptions): Promise<Job>;
  /** Present jobs by source and id, with ended ones that still occupy their id: at most 1,000 at a time, the next with the result's `pageToken`. */
  jobList(params?: Methods['job.list']['params'], options?: CallOptions): Promise<Methods['job.list']['result']>;
  /** Resolves when the run has ended. `run` means the same as for `abort`. */
  jobWait(params: WaitParams, options?: BoundedOptions): Promise<Settled>;
  /** Ends a READY mirror or active commit: the disk switches to the copy. Resolves when QEMU has accepted it; with `sync` when the run has ended. */
  jobComplete(params: CompleteParams, options?: BoundedOptions): Promise<Requested | Settled>;
  jobPause(target: JobTarget, options?: CallOptions): Promise<Requested>;
  jobResume(target: JobTarget, options?: CallOptions): Promise<Requested>;
  jobFinalize(target: JobTarget, options?: CallOptions): Promise<Requested>;
  jobDismiss(target: JobTarget, options?: CallOptions): Promise<Requested>;
  /** `speed` in bytes per second, 0 is unlimited. */
  jobSetSpeed(target: JobTarget & { speed: Int64 }, options?: CallOptions): Promise<Requested>;
  /**
   * What the verb would do now; nothing is sent to QEMU. It rejects as the verb itself would. INVALID_PARAMS where `info().features` has no `dryRun`.
   */
  dryRun(verb: JobVerb, params: DryRunParams, options?: CallOptions): Promise<DryRun>;
  /** Runs that have ended, newest first. METHOD_NOT_FOUND where `info().features` has no `history`; `historyOf` too. */
  history(params?: HistoryParams, options?: CallOptions): Promise<Methods['history.list']['result']>;
  /** The story of one run: its record, and what the gateway's log still has of it. */
  historyOf(target: JobTarget, options?: CallOptions): Promise<RunStory>;
}

/** Whether an error says that this request had no effect: not the client's own, which end a wait, and not those that leave open what was done. */
const hadNoEffect = ({ reason, data }: Partial<GatewayError>): boolean =>
  reason === 'TIMEOUT'
    ? data?.accepted === false
    : reason !== undefined && reason !== 'OUTCOME_UNKNOWN' && !(reason in CLIENT_ERRORS);

/** The server answers within its bound; this is added for the network. */
const GRACE_MS = 5_000;

export function jobVerbs(send: SendRequest, now: () => number): JobVerbs {
  /** A command whose `timeoutMs` counts from the call: each request carries what is left of it. */
  function bounded<Method extends 'job.abort' | 'job.wait' | 'job.complete'>(
    method: Method,
    params: Methods[Method]['params'],
    repeat: RequestOptions['repeat'],
    options: CallOptions,
  ): Promise<ResultOf<Method>> {
    const { timeoutMs = TIMEOUT_DEFAULT_MS, ...target } = params;
    const until = now() + timeoutMs;
    let sent = 0;
    const paramsAt = (time: number) => {
      sent += 1;
      // A bound outside the limits is sent unchanged for the server to refuse. What is left of a valid one never falls below the minimum.
      return { ...target, timeoutMs: Math.max(Math.min(timeoutMs, TIMEOUT_MIN_MS), Math.min(timeoutMs, until - time)) };
    };
    return send(method, params, { ...options, timeoutMs: timeoutMs + GRACE_MS, repeat, paramsAt }).catch((error) => {
      // A refusal of the second request says nothing of the first, which may have been carried out: a restarted gateway does not know the run any
      // more.
      throw sent > 1 && method === 'job.abort' && hadNoEffect(error ?? {}) ? new ConnectionLost(method) : error;
    });
  }
  /** Without a run the gateway binds to the one that is live at receipt, so a second request could hit the next run of the id. */
  const repeatOf = ({ run }: JobTarget): RequestOptions['repeat'] => (run === undefined ? 'never' : 'safe');
  const once = (options: CallOptions = {}): RequestOptions => ({ ...options, repeat: 'never' });
  const safe = (options: CallOptions = {}): RequestOptions => ({ ...options, repeat: 'safe' });

  return {
    abort: (params: AbortParams, options = {}) =>
      bounded('job.abort', params, repeatOf(params), options) as Promise<Settled>,
    jobGet: (target, options) => send('job.get', target, safe(options)),
    jobList: (params = {}, options) => send('job.list', params, safe(options)),
    jobWait: (params, options = {}) => bounded('job.wait', params, repeatOf(params), options),
    jobComplete: (params, options = {}) => bounded('job.complete', params, 'never', options),
    jobPause: (target, options) => send('job.pause', target, once(options)),
    jobResume: (target, options) => send('job.resume', target, once(options)),
    jobFinalize: (target, options) => send('job.finalize', target, once(options)),
    jobDismiss: (target, options) => send('job.dismiss', target, once(options)),
    jobSetSpeed: (target, options) => send('job.setSpeed', target, once(options)),
    dryRun: (verb, params, options) =>
      send(`job.${verb}`, { ...params, dryRun: true } as never, safe(options)) as unknown as Promise<DryRun>,
    history: (params = {}, options) => send('history.list', params, safe(options)),
    historyOf: (target, options) => send('history.get', target, safe(options)),
  };
}
