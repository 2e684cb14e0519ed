// One client's session: its requests, its replies, in any order, and its subscriptions. `dispatch` decides what a message means, `streams` what a
// subscription does.
import { setMaxListeners } from 'node:events';
import { type Access, type Authentication, NOBODY, type Principal, type Transport } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import type { EventReader } from '../../log/index.js';
import { type Answer, type Refusal, refuse } from '../../protocol/answer.js';
import { parseCursor } from '../../protocol/cursor.js';
import { LIMITS } from '../../protocol/limits.js';
import type { RpcId } from '../../protocol/methods.js';
import type { Hub } from '../fan-out/hub.js';
import type { ProgressLanes } from '../fan-out/progress.js';
import type { Snapshots } from '../fan-out/snapshot.js';
import type { Peer } from '../fan-out/subscription.js';
import type { GatewayLimits } from '../limits.js';
import type { GatewayLimitName, GatewayRecorder } from '../recorder.js';
import { encodeFrame } from '../wire/frame.js';
import { answerText, errorText, notificationText } from '../wire/messages.js';
import type { Outbox } from '../wire/outbox.js';
import { type Caller, type Dispatch, dispatch, type StreamRequest, type Unfinished } from './dispatch.js';
import { afterLong } from './long-timer.js';
import { isoTime } from './methods.js';
import { Rate } from './rates.js';
import type { PrincipalSession, SessionRegistry } from './registry.js';
import { Streams } from './streams.js';

export interface SessionDeps extends Dispatch {
  access: Access;
  sessions: SessionRegistry;
  log: EventReader;
  hub: Hub;
  progress: ProgressLanes;
  snapshots: Snapshots;
  limits: GatewayLimits;
  clock: Clock;
  recorder: GatewayRecorder;
}

/** What the session needs of its connection. */
export interface ConnectionPort {
  readonly transport: Transport;
  /** Its name in the log. */
  readonly connectionNumber?: number | undefined;
  /** Queues work behind the client's requests; it is done while the client reads. */
  later(work: () => void): void;
  /** The client sends on although it is refused. */
  abused(retryAfterMs: number): void;
  /** {@link ClientSession.isVerifying} has ended: requests that wait are executed. */
  resume(): void;
  /** The principal's access was revoked. */
  revoked(): void;
  /** It is known who it is. */
  authenticated(): void;
  /** The credentials have ended. */
  expired(): void;
}

/** A reply that must not overtake the events before its cursor. */
interface Held {
  offset: number;
  send: () => void;
  cancel: () => void;
}

export class ClientSession implements Peer, Caller, PrincipalSession {
  readonly outbox: Outbox;
  readonly #deps: SessionDeps;
  readonly #streams: Streams;
  readonly #inFlight = new Set<RpcId>();
  /** Absent: none was held yet. */
  #held: Set<Held> | undefined;
  /** Absent: no request has needed it, as most clients of events have none that does. */
  #gone: AbortController | undefined;
  readonly #requests: Rate;
  /** Absent: none was refused. */
  #refusals: Rate | undefined;
  readonly #connection: ConnectionPort;
  #principal: Principal;
  /** Cancels what waits for the end of the credentials. */
  #cancelExpiry = nothing;
  /** Milliseconds that the message under way should have waited. */
  #early = 0;
  #isVerifying = false;
  #closed = false;

  /** @param principal `NOBODY` until it has authenticated. */
  constructor(outbox: Outbox, principal: Principal, deps: SessionDeps, connection: ConnectionPort) {
    this.outbox = outbox;
    this.#principal = principal;
    this.#deps = deps;
    this.#connection = connection;
    this.#streams = new Streams(this, deps);
    deps.sessions.add(principal, this);
    const { requestsPerSecond, requestsBurst } = deps.limits;
    this.#requests = new Rate(requestsPerSecond, requestsBurst, deps.clock.now());
    this.#awaitExpiry();
  }

  get signal(): AbortSignal {
    if (!this.#gone) {
      this.#gone = new AbortController();
      // There is one listener for each request in flight; Node warns of more than ten.
      setMaxListeners(0, this.#gone.signal);
      if (this.#closed) this.#gone.abort();
    }
    return this.#gone.signal;
  }

  get connectionNumber(): number | undefined {
    return this.#connection.connectionNumber;
  }

  get address(): string | undefined {
    return this.#connection.transport.address;
  }

  /** Whether it is known who it is. */
  get isKnown(): boolean {
    return this.#principal !== NOBODY;
  }

  /** A token is being verified: the requests after it are executed when it is known whose they are. */
  get isVerifying(): boolean {
    return this.#isVerifying;
  }

  /** @param receivedAt milliseconds of {@link Clock.now}. */
  receive(text: string, receivedAt: number): Unfinished {
    this.#early = this.#requests.take(this.#deps.clock.now());
    return dispatch(this, text, receivedAt, this.#deps);
  }

  admit(id: RpcId, method: string): Answer<Principal> {
    const refused = this.#judge(id);
    if (refused) return { ok: false, error: refused };
    if (this.#principal === NOBODY && method !== 'authenticate') return refuse('UNAUTHENTICATED', 'authenticate first');
    this.#inFlight.add(id);
    return { ok: true, result: this.#principal };
  }

  authenticate(token: string): Authentication {
    const authentication = this.#deps.access.authenticate({ token }, this.#connection.transport);
    if (!(authentication instanceof Promise)) return this.#identify(authentication);
    this.#isVerifying = true;
    return authentication.then((authenticated) => {
      this.#isVerifying = false;
      // After the answer.
      this.#deps.clock.soon(() => this.#connection.resume());
      return this.#identify(authenticated);
    });
  }

  #identify(authenticated: Answer<Principal>): Answer<Principal> {
    if (!authenticated.ok || this.#closed) return authenticated;
    const { sessions } = this.#deps;
    sessions.remove(this.#principal, this);
    this.#principal = authenticated.result;
    sessions.add(this.#principal, this);
    this.#connection.authenticated();
    this.regranted();
    return authenticated;
  }

  regranted(): void {
    this.#awaitExpiry();
    this.#streams.regranted(this.#principal.grants);
  }

  revoked(): void {
    this.#connection.revoked();
  }

  answer(id: RpcId, answer: Answer<unknown>, dueAt: number): void {
    if (this.#closed) return;
    const text = answerText(id, answer);
    const send = (): void => {
      this.#inFlight.delete(id);
      this.#send(text);
    };
    const position = answer.ok ? positionOf(answer.result) : undefined;
    if (position === undefined || this.#deps.hub.flush(this, position)) return send();
    const { clock } = this.#deps;
    // The connection is parked. The events before the cursor go first, but the reply does not wait beyond its bound.
    const held: Held = {
      offset: position,
      send,
      cancel: clock.after(Math.max(0, dueAt - clock.now()), () => this.#release(held)),
    };
    this.#held ??= new Set();
    this.#held.add(held);
  }

  later(work: () => void): void {
    if (!this.#closed) this.#connection.later(work);
  }

  reject(id: RpcId | null, error: Refusal): void {
    this.#send(errorText(id, error));
    if (this.#early > 0) this.#refused();
  }

  stream(request: StreamRequest): boolean {
    if (this.#closed) return true;
    const answered = this.#streams.request(request, this.#principal.grants);
    if (answered === undefined) return false;
    this.#inFlight.delete(request.id);
    if (answered === 'written') return true;
    this.#send(answerText(request.id, answered));
    if (!answered.ok && answered.error.reason === 'RATE_LIMITED') this.#refused();
    return true;
  }

  /** Called by the hub after it wrote to this connection. */
  advanced(): void {
    if (!this.#held?.size) return;
    for (const held of [...this.#held]) if (this.#deps.hub.flush(this, held.offset)) this.#release(held);
  }

  /** The socket is closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.outbox.close();
    this.#cancelExpiry();
    this.#deps.sessions.remove(this.#principal, this);
    for (const held of this.#held ?? []) held.cancel();
    this.#held?.clear();
    this.#streams.close();
    this.#gone?.abort();
  }

  /** A minute before the end, or at once where less is left, it is said; at the end the connection is closed. */
  #awaitExpiry(): void {
    this.#cancelExpiry();
    const { expiresAt } = this.#principal;
    if (expiresAt === null) return;
    const { clock, limits } = this.#deps;
    const left = (): number => expiresAt - clock.date();
    const say = (): void => {
      this.#send(notificationText('expiring', { expiresAt: isoTime(expiresAt) }));
      this.#cancelExpiry = afterLong(clock, left, () => this.#connection.expired());
    };
    this.#cancelExpiry = afterLong(clock, () => left() - limits.expiringMs, say);
  }

  #judge(id: RpcId): Refusal | undefined {
    if (this.#inFlight.has(id)) return refuse('INVALID_REQUEST', 'a request with this id is in flight').error;
    const limited = (limit: GatewayLimitName, message: string, retryAfterMs: number): Refusal => {
      this.#early = retryAfterMs;
      this.#deps.recorder.limited(limit);
      return refuse('RATE_LIMITED', message, { retryAfterMs }).error;
    };
    // The reply of `subscribe` may have 256 KiB, so it counts until the kernel has taken it.
    if (this.#inFlight.size + this.#streams.unwritten >= LIMITS.inFlight)
      return limited('requests_in_flight', `at most ${LIMITS.inFlight} requests wait at once`, 1_000);
    const { requestsPerSecond } = this.#deps.limits;
    if (this.#early > 0) return limited('requests_rate', `at most ${requestsPerSecond} requests a second`, this.#early);
    return undefined;
  }

  /** The request was refused because of a rate. */
  #refused(): void {
    const { limits, clock } = this.#deps;
    this.#refusals ??= new Rate(limits.refusalsPerSecond, limits.refusalsBurst, clock.now());
    const retryAfterMs = this.#refusals.take(clock.now());
    if (retryAfterMs === 0) return;
    this.#deps.recorder.limited('refusals_rate');
    this.#connection.abused(retryAfterMs);
  }

  #release(held: Held): void {
    if (!this.#held?.delete(held)) return;
    held.cancel();
    held.send();
  }

  #send(text: string): void {
    if (!this.#closed) this.outbox.write(encodeFrame(text));
  }
}

function nothing(): void {}

/** Only a settlement's reply has to wait for the events before its cursor; a request's consequences lie after it. */
function positionOf(result: unknown): number | undefined {
  if (typeof result !== 'object' || result === null || !('status' in result) || result.status !== 'settled')
    return undefined;
  return 'cursor' in result && typeof result.cursor === 'string' ? parseCursor(result.cursor)?.offset : undefined;
}
