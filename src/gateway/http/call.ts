// One request over plain HTTP: who sends it, within the bounds of its address, and its execution. A peer that closes its connection ends the wait of its
// request.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  type Access,
  type Authentication,
  type Credentials,
  NOBODY,
  type TraceParent,
  type Transport,
} from '../../access/index.js';
import type { Clock } from '../../clock.js';
import { type Answer, type Refusal, refuse } from '../../protocol/answer.js';
import type { RpcId } from '../../protocol/methods.js';
import type { GatewayLimits } from '../limits.js';
import type { GatewayLimitName, GatewayRecorder } from '../recorder.js';
import type { WorkQueue } from '../scheduler.js';
import { type Caller, type Dispatch, dispatch, type StreamRequest } from '../session/dispatch.js';
import { isLocalPeer, peerOf } from '../session/peer.js';
import { AddressRates } from '../session/rates.js';
import { credentialsOf } from './transport.js';

export interface CallDeps extends Dispatch {
  posts: Posts;
  /** The requests of all connections. */
  requests: WorkQueue;
  clock: Clock;
  access: Access;
  recorder: GatewayRecorder;
}

/**
 * Unanswered requests of one connection at most. Node executes all requests of one read, and while one waits it does not notice that the peer closes;
 * so beyond this number the connection is closed.
 */
const MAX_PIPELINED = 8;

/** Bounds for each address. */
export class Posts {
  readonly #limits: GatewayLimits;
  readonly #clock: Clock;
  readonly #recorder: GatewayRecorder;
  readonly #rates: AddressRates;
  readonly #inFlight = new Map<string, number>();
  readonly #pipelined = new WeakMap<Socket, number>();

  constructor(limits: GatewayLimits, clock: Clock, recorder: GatewayRecorder) {
    this.#limits = limits;
    this.#recorder = recorder;
    this.#clock = clock;
    this.#rates = new AddressRates(() => ({ perSecond: limits.requestsPerSecond, burst: limits.requestsBurst }));
  }

  /** More than a client that pipelines normally has under way. */
  isFlooded(socket: Socket): boolean {
    return (this.#pipelined.get(socket) ?? 0) >= MAX_PIPELINED;
  }

  /** An admitted request is ended by {@link end}. */
  admit(peer: string, socket: Socket): Refusal | undefined {
    const limited = (limit: GatewayLimitName, message: string, retryAfterMs: number): Refusal => {
      this.#recorder.limited(limit);
      return refuse('RATE_LIMITED', message, { retryAfterMs }).error;
    };
    const { postsInFlight, requestsPerSecond, limitLoopback } = this.#limits;
    const count = this.#inFlight.get(peer) ?? 0;
    if (count >= postsInFlight)
      return limited('posts_waiting', `at most ${postsInFlight} requests of an address wait at once`, 1_000);
    const wait = isLocalPeer(peer) && !limitLoopback ? 0 : this.#rates.take(peer, this.#clock.now());
    if (wait > 0) return limited('posts_rate', `at most ${requestsPerSecond} requests a second`, wait);
    this.#inFlight.set(peer, count + 1);
    this.#pipelined.set(socket, (this.#pipelined.get(socket) ?? 0) + 1);
    return undefined;
  }

  end(peer: string, socket: Socket): void {
    this.#pipelined.set(socket, (this.#pipelined.get(socket) ?? 1) - 1);
    const left = (this.#inFlight.get(peer) ?? 0) - 1;
    if (left > 0) this.#inFlight.set(peer, left);
    else this.#inFlight.delete(peer);
  }
}

/** @param text the request as JSON-RPC. */
export function call(
  { request, response, transport }: { request: IncomingMessage; response: ServerResponse; transport: Transport },
  text: string,
  deps: CallDeps,
  reply: Reply,
): void {
  const caller = new HttpCaller(request, response, transport, deps, reply);
  const receivedAt = deps.clock.now();
  deps.requests.now(caller, () => {
    const { socket } = request;
    if (deps.posts.isFlooded(socket)) {
      deps.recorder.limited('posts_pipelined');
      socket.destroy();
    }
    // The peer may have closed while its request waited.
    if (!socket.destroyed) dispatch(caller, text, receivedAt, deps);
    return true;
  });
}

/** How an answer becomes a response. */
export type Reply = (response: ServerResponse, id: RpcId | null, answer: Answer<unknown>) => void;

/** The sender of one HTTP request. */
class HttpCaller implements Caller {
  readonly #access: Access;
  readonly #credentials: Credentials;
  readonly #transport: Transport;
  readonly #response: ServerResponse;
  readonly #posts: Posts;
  readonly #peer: string;
  readonly #socket: Socket;
  readonly #gone = new AbortController();
  readonly #requests: WorkQueue;
  readonly #reply: Reply;
  readonly trace: TraceParent | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    transport: Transport,
    { access, posts, requests }: CallDeps,
    reply: Reply,
  ) {
    this.#reply = reply;
    this.#requests = requests;
    this.#access = access;
    this.#credentials = credentialsOf(request);
    this.#transport = transport;
    this.#response = response;
    this.#posts = posts;
    this.#socket = request.socket;
    this.#peer = peerOf(transport.address);
    const { traceparent, tracestate } = request.headers;
    if (typeof traceparent === 'string') this.trace = { traceparent, tracestate: tracestate?.toString() };
  }

  get address(): string | undefined {
    return this.#transport.address;
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** A client may have any number of connections for its requests. Those of this host may be many clients of a proxy's. */
  get owner(): string | undefined {
    return isLocalPeer(this.#peer) ? undefined : this.#peer;
  }

  admit(_id: RpcId, method: string): Authentication {
    const refused = this.#posts.admit(this.#peer, this.#socket);
    if (refused) return { ok: false, error: refused };
    // After the answer, or when the peer closes before it. A response that waits behind another one has no socket, so it gets no close event.
    const end = (): void => {
      this.#socket.off('close', end);
      this.#response.off('close', end);
      this.#posts.end(this.#peer, this.#socket);
      this.#gone.abort();
    };
    // One for each request of this connection that waits, and their number has a bound: more than ten are no leak.
    this.#socket.setMaxListeners(0);
    this.#socket.once('close', end);
    this.#response.once('close', end);
    if (method === 'authenticate') return { ok: true, result: NOBODY };
    return this.#access.authenticate(this.#credentials, this.#transport);
  }

  /** For this request only. */
  authenticate(token: string): Authentication {
    return this.#access.authenticate({ token }, this.#transport);
  }

  answer(id: RpcId, answer: Answer<unknown>): void {
    this.#reply(this.#response, id, answer);
  }

  later(work: () => void): void {
    this.#requests.later(this, () => {
      work();
      return true;
    });
  }

  reject(id: RpcId | null, error: Refusal): void {
    this.#reply(this.#response, id, { ok: false, error });
  }

  stream({ id, method }: StreamRequest): boolean {
    this.answer(id, refuse('METHOD_NOT_FOUND', `${method} needs a WebSocket`));
    return true;
  }
}
