// A connection that is made again whenever it ends, until it is closed or refused for good; the token goes first on each. connection.ts has one
// connection, backoff.ts the delay before the next attempt.
import type { Methods, RpcFailure, RpcResult, ServerMessage } from '../protocol/methods.js';
import { BACKOFF, type Credentials, decide } from './backoff.js';
import { type Connection, openConnection } from './connection.js';
import type { Runtime } from './runtime.js';
import type { SocketConstructor } from './socket.js';
import type { ClientState, CloseReason, LineEnd } from './state.js';

/** A token, or a function that gets one: it is called again when the server has refused the last, and before that expires. */
export type Token = string | (() => string | Promise<string>);

export interface ReconnectingListener {
  /** Requests may be sent. */
  ready(): void;
  message(message: ServerMessage): void;
  /** The connection that was ready is lost; another may follow. */
  lost(): void;
  /** The client is closed: no connection follows. */
  closed(reason: CloseReason): void;
}

const AUTH_ID = 'auth';
const ANSWER_MS = 15_000;
/** A token is renewed after this part of its lifetime. */
const RENEW_AT = 0.8;
const RENEW_MIN_MS = 5_000;

export class ReconnectingConnection {
  readonly #url: string;
  readonly #token: Token | undefined;
  readonly #WebSocket: SocketConstructor;
  readonly #runtime: Runtime;
  readonly #listener: ReconnectingListener;
  readonly #stateListeners = new Set<(state: ClientState) => void>();
  #state: ClientState = { phase: 'connecting', attempt: 0 };
  #connection: Connection | undefined;
  #sentToken: string | undefined;
  #refusedToken: string | undefined;
  #stopTimer = () => {};
  readonly #stopWake: () => void;

  constructor(
    url: string,
    token: Token | undefined,
    WebSocket: SocketConstructor,
    runtime: Runtime,
    listener: ReconnectingListener,
  ) {
    this.#url = url;
    this.#token = token;
    this.#WebSocket = WebSocket;
    this.#runtime = runtime;
    this.#listener = listener;
    this.#stopWake = runtime.onWake(() => this.#wake());
    this.#stopTimer = runtime.after(0, () => this.#connect(0));
  }

  get state(): ClientState {
    return this.#state;
  }

  onState(listener: (state: ClientState) => void): () => void {
    // Wrapped in an object of its own, so that a listener that is added twice is called twice.
    const own = (state: ClientState): void => listener(state);
    this.#stateListeners.add(own);
    return () => {
      this.#stateListeners.delete(own);
    };
  }

  send(text: string): void {
    this.#connection?.send(text);
  }

  /** Ends the connection as if it had dropped. */
  stall(detail: string): void {
    this.#connection?.end('unanswered', 1006, detail);
  }

  /** The epoch of the last cursor. */
  see(epoch: string | undefined): void {
    if (this.#state.phase === 'open' && epoch !== undefined && this.#state.epoch !== epoch) {
      this.#enter({ ...this.#state, epoch });
    }
  }

  close(reason: CloseReason = { cause: 'asked' }): void {
    if (this.#state.phase === 'closed') return;
    this.#stopTimer();
    this.#stopWake();
    this.#connection?.abandon();
    this.#connection = undefined;
    this.#enter({ phase: 'closed', reason });
    this.#listener.closed(reason);
    this.#stateListeners.clear();
  }

  #enter(state: ClientState): void {
    this.#state = state;
    for (const listener of [...this.#stateListeners]) {
      try {
        listener(state);
      } catch (error) {
        this.#runtime.report(error);
      }
    }
  }

  #connect(attempt: number, reason?: LineEnd): void {
    this.#enter({ phase: 'connecting', attempt, ...(reason ? { reason } : {}) });
    if (this.#state.phase !== 'connecting') return; // a listener closed the client
    const connection: Connection = openConnection(this.#url, this.#WebSocket, this.#runtime, {
      open: () => {
        if (this.#token === undefined) return this.#open();
        this.#enter({ phase: 'authenticating', attempt });
        void this.#authenticate(connection, this.#token);
      },
      message: (message) => {
        if ('id' in message && message.id === AUTH_ID) this.#authenticated(connection, message);
        else this.#listener.message(message);
      },
      end: (end) => this.#ended(end, attempt),
    });
    this.#connection = connection;
  }

  #open(identity: { principal?: string; scopes?: readonly string[] } = {}): void {
    this.#stopTimer();
    this.#enter({ phase: 'open', since: this.#runtime.now(), ...identity });
    if (this.#state.phase === 'open') this.#listener.ready();
  }

  /** The first request on every connection; sent again on the same one before a token expires. */
  async #authenticate(connection: Connection, source: Token): Promise<void> {
    let token: string;
    try {
      token = typeof source === 'string' ? source : await source();
    } catch (error) {
      // A failed renewal has no effect yet: the server closes with 4401 when the token has expired.
      if (this.#state.phase === 'authenticating') connection.end('token', 1006, String(error));
      return;
    }
    if (connection !== this.#connection) return;
    if (token === this.#refusedToken)
      return this.close({ cause: 'refused', code: 4401, detail: 'the same token again' });
    this.#sentToken = token;
    if (this.#state.phase === 'authenticating') {
      this.#stopTimer();
      this.#stopTimer = this.#runtime.after(ANSWER_MS, () =>
        connection.end('unanswered', 1006, 'authenticate was not answered'),
      );
    }
    connection.send(JSON.stringify({ jsonrpc: '2.0', id: AUTH_ID, method: 'authenticate', params: { token } }));
  }

  #authenticated(connection: Connection, reply: RpcResult | RpcFailure): void {
    if ('error' in reply) {
      const { message, data } = reply.error;
      // UNAUTHENTICATED, FORBIDDEN, or INVALID_PARAMS, for a text that no token can be. Their beginnings are enough, and the client is small.
      const refused = /^UNAU|^FORB|^INVA/.test(data?.reason ?? '');
      const retryAfterMs = typeof data?.retryAfterMs === 'number' ? data.retryAfterMs : undefined;
      // The token that is in force stays so until it expires.
      if (this.#state.phase === 'open' && !refused) return this.#renewIn(connection, retryAfterMs ?? 0);
      connection.end(refused ? 'refused' : 'unanswered', refused ? 4401 : 1011, message, retryAfterMs);
      return;
    }
    const { principal, scopes, expiresAt } = reply.result as Methods['authenticate']['result'];
    if (this.#state.phase === 'authenticating') this.#open({ principal, scopes });
    if (typeof this.#token === 'function' && expiresAt !== null) this.#renewLater(connection, Date.parse(expiresAt));
  }

  #renewLater(connection: Connection, expires: number): void {
    const left = (expires - this.#runtime.now()) * RENEW_AT;
    if (!Number.isNaN(left)) this.#renewIn(connection, left);
  }

  #renewIn(connection: Connection, ms: number): void {
    const token = this.#token as Token;
    this.#stopTimer();
    this.#stopTimer = this.#runtime.after(Math.max(RENEW_MIN_MS, ms), () => void this.#authenticate(connection, token));
  }

  #ended(end: LineEnd, attempt: number): void {
    this.#stopTimer();
    this.#connection = undefined;
    const state = this.#state;
    if (end.code === 4401 || end.code === 4403) this.#refusedToken = this.#sentToken;
    const healthy = state.phase === 'open' && this.#runtime.now() - state.since >= BACKOFF.healthyMs;
    const failures = healthy ? 0 : attempt;
    const credentials: Credentials =
      this.#token === undefined ? 'none' : typeof this.#token === 'string' ? 'fixed' : 'renewable';
    const decision = decide(end, failures, credentials, this.#runtime.random());
    if (state.phase === 'open') this.#listener.lost();
    if (this.#state.phase === 'closed') return;
    if (decision.kind === 'give-up') {
      this.close(end);
      return;
    }
    const retryAt = this.#runtime.now() + decision.delayMs;
    this.#stopTimer = this.#runtime.after(decision.delayMs, () => this.#connect(failures + 1, end));
    this.#enter({ phase: 'waiting', attempt: failures + 1, retryAt, reason: end });
  }

  /** Timers stood still during sleep, while the wall clock went on. */
  #wake(): void {
    this.#connection?.check();
    if (this.#state.phase !== 'waiting' || this.#runtime.now() < this.#state.retryAt) return;
    this.#stopTimer();
    this.#connect(this.#state.attempt, this.#state.reason);
  }
}
