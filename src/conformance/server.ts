// The server that is tried: how it is reached, what it says of itself, and the connections that a clause has opened to it.
import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '../protocol/codes.js';
import type { JobTarget, ServerInfo } from '../protocol/methods.js';
import { Connection } from './connection.js';
import { fetchText, type HttpAnswer, type HttpRequest } from './http.js';
import { systemTimer, type Timer } from './timer.js';
import { ClauseFailed } from './verdict.js';

export interface ServerOptions {
  /** `ws://HOST:PORT/v1`, or `wss:`. */
  readonly url: string;
  /** Sent as `Authorization: Bearer` with every connection and request. */
  readonly token?: string;
  /** Milliseconds of one wait. Default 5,000. */
  readonly timeoutMs?: number;
  /** Milliseconds without a message after which the server counts as having sent all that it has. Default 250. */
  readonly quietMs?: number;
  /** A running job that may be aborted. */
  readonly abort?: JobTarget;
  /** Whether clauses that take longer than a few seconds are tried. */
  readonly slow?: boolean;
  readonly timer?: Timer;
}

export interface Upgrade {
  /** Subprotocols that are offered. Default: that of the wire. */
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether permessage-deflate is offered. Default false. */
  readonly deflate?: boolean;
  /** Whether the token is sent. Default true. */
  readonly hasToken?: boolean;
}

/** An upgrade that was accepted, or HTTP's refusal; `status` 0: there was no HTTP answer. */
export type Upgraded = Connection | { readonly status: number; readonly why: string };

/** Lines of a conversation that are kept for the message of a failure, and characters of one. */
const LINES = 12;
const LINE = 400;

export class Server {
  readonly options: Required<Pick<ServerOptions, 'timeoutMs' | 'quietMs' | 'timer'>> & ServerOptions;
  info: ServerInfo | undefined;
  #open: Connection[] = [];
  #transcript: string[] = [];
  readonly #kept = new Map<string, Promise<unknown>>();

  constructor(options: ServerOptions) {
    this.options = { timeoutMs: 5_000, quietMs: 250, timer: systemTimer, ...options };
  }

  get transcript(): readonly string[] {
    return this.#transcript;
  }

  /** Of the messages of all connections that are open. */
  get problems(): string[] {
    return this.#open.flatMap(({ problems }) => problems);
  }

  has(feature: string): boolean {
    return this.info?.features?.includes(feature) ?? false;
  }

  /** A connection that is accepted; a refusal fails the clause. */
  async connect(upgrade: Upgrade = {}): Promise<Connection> {
    const upgraded = await this.upgrade(upgrade);
    if (upgraded instanceof Connection) return upgraded;
    throw new ClauseFailed(`the connection was refused: ${upgraded.why}`);
  }

  upgrade({ protocols = [SUBPROTOCOL], headers = {}, deflate = false, hasToken }: Upgrade = {}): Promise<Upgraded> {
    const { url, timeoutMs } = this.options;
    const ws = new WebSocket(url, [...protocols], {
      headers: { ...this.#credentials(hasToken), ...headers },
      perMessageDeflate: deflate,
      handshakeTimeout: timeoutMs,
    });
    const connection = new Connection(ws, {
      ...this.options,
      record: (line) => this.record(line),
      has: (feature) => this.has(feature),
    });
    return new Promise((resolve) => {
      const refused = (status: number, why: string): void => {
        this.record(`← ${why}`);
        resolve({ status, why });
      };
      ws.on('open', () => {
        this.#open.push(connection);
        resolve(connection);
      });
      ws.on('unexpected-response', (request, { statusCode = 0, statusMessage = '' }) => {
        refused(statusCode, `HTTP ${statusCode} ${statusMessage}`);
        request.destroy();
      });
      ws.on('error', (error) => refused(0, error.message || String((error as NodeJS.ErrnoException).code)));
    });
  }

  /** @param path below the WebSocket's own: `/rpc`; or from the root with two slashes: `//healthz`. */
  http(path: string, request: HttpRequest & { hasToken?: boolean } = {}): Promise<HttpAnswer> {
    const { url, timeoutMs, timer } = this.options;
    const base = new URL(url.replace(/^ws/, 'http'));
    const prefix = path.startsWith('//') ? base.pathname.replace(/\/v1$/, '') : base.pathname;
    const target = new URL(`${prefix}${path.replace(/^\/\//, '/')}`, base);
    const headers = { ...this.#credentials(request.hasToken), ...request.headers };
    this.record(`→ ${request.method ?? 'GET'} ${target.pathname}${target.search} ${request.body ?? ''}`);
    return fetchText(target, { ...request, headers }, timeoutMs, timer).then((answer) => {
      this.record(`← HTTP ${answer.status} ${answer.body}`);
      return answer;
    });
  }

  post(body: string, headers: Record<string, string> = {}): Promise<HttpAnswer> {
    return this.http('/rpc', { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  }

  /** The result of `make`, which is called once for all clauses: an abort can be tried once. */
  once<Value>(key: string, make: () => Promise<Value>): Promise<Value> {
    const kept = this.#kept.get(key) ?? make();
    this.#kept.set(key, kept);
    return kept as Promise<Value>;
  }

  /** Closes what a clause has opened, and forgets its conversation. */
  endClause(): void {
    for (const connection of this.#open) connection.cut();
    this.#open = [];
    this.#transcript = [];
  }

  record(line: string): void {
    this.#transcript.push(line.length > LINE ? `${line.slice(0, LINE)}…` : line);
    if (this.#transcript.length > LINES) this.#transcript.shift();
  }

  #credentials(hasToken = true): Record<string, string> {
    const { token } = this.options;
    return hasToken && token !== undefined ? { authorization: `Bearer ${token}` } : {};
  }
}
