// From one text message to its answer, for WebSocket and POST alike: exactly one answer to each message.
import {
  type Authentication,
  afterAuthentication,
  type CallContext,
  type Principal,
  type TraceParent,
} from '../../access/index.js';
import { type Answer, type Refusal, refuse, refuseParams } from '../../protocol/answer.js';
import { LIMITS } from '../../protocol/limits.js';
import type { MethodName, Methods, RpcId } from '../../protocol/methods.js';
import { checkParams, isMethod } from '../../protocol/schemas.js';
import type { GatewayLogger } from '../logger.js';
import { type Envelope, readEnvelope } from '../wire/envelope.js';
import { type Answered, identityOf, isStreamMethod, type PlainMethods } from './methods.js';

export type StreamRequest = {
  [Name in 'subscribe' | 'unsubscribe']: { id: RpcId; method: Name; params: Methods[Name]['params'] };
}['subscribe' | 'unsubscribe'];

/** The sender of a request, on either transport. */
export interface Caller {
  readonly signal: AbortSignal;
  /** {@link CallContext.owner}. */
  readonly owner?: string | undefined;
  /** Of the client: {@link Transport.address}. */
  readonly address: string | undefined;
  /** The number of its connection, where it has one. */
  readonly connectionNumber?: number | undefined;
  /** From the headers of the request; the envelope's own has precedence. */
  readonly trace?: TraceParent | undefined;
  /** Before anything is executed: who asks, or why it is refused. What is admitted is answered once, by {@link answer} or by `stream`. */
  admit(id: RpcId, method: string): Authentication;
  /** The method `authenticate`: who asks from here on, as far as the transport remembers it. */
  authenticate(token: string): Authentication;
  answer(id: RpcId, answer: Answer<unknown>, dueAt: number): void;
  /** Defers work that costs time and bytes until the caller's other requests and other callers have had their turn. */
  later(work: () => void): void;
  /** Sends an error for a request that was not admitted: it could not be read, or was refused. */
  reject(id: RpcId | null, error: Refusal): void;
  /** `subscribe` and `unsubscribe`. `false`: it is not done, and must be called again. */
  stream(request: StreamRequest): boolean;
}

export interface Dispatch {
  methods: PlainMethods;
  /** For the gateway's own exceptions; the caller gets INTERNAL_ERROR. */
  logger: GatewayLogger;
}

/** A request that needs more than one step; `again` takes the next, and returns `true` when it is done. */
export type Unfinished = { again: () => boolean } | undefined;

/** @param receivedAt milliseconds of `Clock.now`. */
export function dispatch(caller: Caller, text: string, receivedAt: number, deps: Dispatch): Unfinished {
  const envelope = readEnvelope(text);
  if (!envelope.ok) {
    caller.reject(envelope.id, envelope.error);
    return undefined;
  }
  let unfinished: Unfinished;
  afterAuthentication(caller.admit(envelope.id, envelope.method), (admitted) => {
    if (admitted.ok) unfinished = execute(caller, envelope, admitted.result, receivedAt, deps);
    else caller.reject(envelope.id, admitted.error);
  });
  // A stream's request has steps; its caller is known at once, since streams have a session.
  return unfinished;
}

function execute(
  caller: Caller,
  { id, method, params, trace = caller.trace }: Extract<Envelope, { ok: true }>,
  principal: Principal,
  receivedAt: number,
  { methods, logger }: Dispatch,
): Unfinished {
  const checked = check(method, params);
  if ('error' in checked) {
    caller.answer(id, checked, receivedAt);
    return undefined;
  }
  const { name } = checked;
  if (isStreamMethod(name)) {
    const request = { id, method: name, params: checked.params } as StreamRequest;
    return caller.stream(request) ? undefined : { again: () => caller.stream(request) };
  }
  const deadline = receivedAt + boundOf(checked.params);
  const context: CallContext = {
    principal,
    address: caller.address,
    receivedAt,
    deadline,
    signal: caller.signal,
    owner: caller.owner,
    trace,
  };
  const answer = (value: Answer<unknown>): void => caller.answer(id, value, deadline);
  const failed = (error: unknown): void => {
    logger.error({ err: error, method: name, connection: caller.connectionNumber }, 'a method failed');
    answer(refuse('INTERNAL_ERROR', 'a bug of the gateway; its log has the exception'));
  };
  const call = name === 'authenticate' ? authenticate : methods[name];
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      failed(error);
    }
  };
  const take = (value: Answer<unknown> | (() => Answer<unknown>)): void => {
    if (typeof value !== 'function') answer(value);
    else caller.later(() => guarded(() => answer(value())));
  };
  function authenticate(_context: CallContext, { token }: { token: string }): Answered<unknown> {
    const authenticated = caller.authenticate(token);
    return authenticated instanceof Promise ? authenticated.then(identityOf) : identityOf(authenticated);
  }
  guarded(() => {
    // `params` are those of this method, since `check` validated them; the type of `call` does not show that.
    const answered = (call as (context: CallContext, params: object) => Answered<unknown>)(context, checked.params);
    // An answer that is known now is sent now, so that the next request counts its unsent bytes.
    if (answered instanceof Promise) answered.then(take, failed);
    else answer(answered);
  });
  return undefined;
}

function check(
  method: string,
  params: unknown,
): { ok: true; name: MethodName; params: object } | { ok: false; error: Refusal } {
  if (!isMethod(method)) return refuse('METHOD_NOT_FOUND', `no method ${method.slice(0, 64)}`);
  const checked = checkParams(method, params);
  if (checked.ok) return { ok: true, name: method, params: checked.params };
  return refuseParams(...checked.problems);
}

function boundOf(params: object): number {
  return 'timeoutMs' in params && typeof params.timeoutMs === 'number' ? params.timeoutMs : LIMITS.timeoutDefaultMs;
}
