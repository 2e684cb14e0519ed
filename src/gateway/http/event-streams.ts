// GET /v1/events: the events of a subscription as server-sent events, for curl, EventSource and what stands between.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterAuthentication, type Principal, type Transport } from '../../access/index.js';
import { refuseParams } from '../../protocol/answer.js';
import { parseCursor } from '../../protocol/cursor.js';
import type { Notifications } from '../../protocol/methods.js';
import { checkParams } from '../../protocol/schemas.js';
import type { ConnectionDeps } from '../session/connection.js';
import { EventStream } from '../session/event-stream.js';
import { block } from '../wire/event-stream.js';
import type { Clients } from './clients.js';
import { readQuery } from './query.js';
import { sendRefusal } from './reads.js';
import { send } from './reply.js';
import { credentialsOf } from './transport.js';
import type { Refusal } from './upgrade.js';

export interface EventStreamsDeps {
  clients: Clients;
  connection: ConnectionDeps;
}

export interface StreamExchange {
  request: IncomingMessage;
  response: ServerResponse;
  transport: Transport;
  /** Path and query. */
  url: string;
}

const EVENT_STREAM = 'text/event-stream';
const HEADERS = {
  'content-type': `${EVENT_STREAM}; charset=utf-8`,
  'cache-control': 'no-store',
  // nginx would hold back what it has not filled a buffer with.
  'x-accel-buffering': 'no',
};

const QUERY = {
  sources: 'list',
  types: 'list',
  jobs: 'texts',
  after: 'text',
  last: 'number',
  from: 'text',
  snapshot: 'boolean',
  progress: 'interval',
} as const;

export class EventStreams {
  readonly #deps: EventStreamsDeps;
  readonly #sockets = new WeakSet<Socket>();

  constructor(deps: EventStreamsDeps) {
    this.#deps = deps;
  }

  /** Whether the socket belongs to a stream: nothing else is answered on it. */
  owns(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  open(exchange: StreamExchange): void {
    const { request, response, transport } = exchange;
    const { clients, connection } = this.#deps;
    const asked = paramsOf(exchange);
    if ('problems' in asked) return sendRefusal(response, refuseParams(...asked.problems).error);
    const full = clients.judge(transport);
    if (full) return this.#turnAway(exchange, full);
    const known = (next: (principal: Principal) => void): void =>
      afterAuthentication(connection.access.authenticate(credentialsOf(request), transport), (answer) => {
        if (answer.ok) next(answer.result);
        else sendRefusal(response, answer.error);
      });
    const begin = (socket: Socket, principal: Principal): void => {
      const late = clients.judgeRoom();
      if (late) return this.#turnAway(exchange, late);
      if (!socket.destroyed) this.#begin(exchange, socket, principal, asked);
    };
    known((principal) => {
      // Node gives a response its socket when the one before it on the connection has left. A browser may have read that one, and asked on the same
      // connection for the stream, before Node has noticed. By then the client may not be admitted any more.
      if (response.socket) begin(response.socket, principal);
      else response.once('socket', (socket: Socket) => known((still) => begin(socket, still)));
    });
  }

  #begin({ response, transport }: StreamExchange, socket: Socket, principal: Principal, asked: Asked): void {
    const { clients, connection: deps } = this.#deps;
    const { clock } = deps;
    const begin = (): void => {
      // Without a length and without chunks the body ends with the connection, so its bytes are written to the socket as to a WebSocket's.
      response.shouldKeepAlive = false;
      response.removeHeader('transfer-encoding');
      response.writeHead(200, HEADERS);
      response.flushHeaders();
      this.#sockets.add(socket);
      const retry = Math.round(clients.spreadMs * (1 + clock.random()));
      socket.write(block({ retry }));
    };
    const refuse = (error: Parameters<typeof sendRefusal>[1]): void => {
      clients.remove(stream);
      sendRefusal(response, error);
    };
    const stream = new EventStream({ socket, principal, transport, ...asked, begin, refuse }, deps);
    // It counts as connected from here on, although it begins in a later turn, so the limit on connections and the end of the gateway include it.
    clients.add(stream);
    socket.once('close', () => clients.remove(stream));
    stream.start();
  }

  /** `EventSource` gives up for good at any status but 200, so who takes nothing but an event stream gets one that says when to come again. */
  #turnAway({ request, response }: StreamExchange, { status, why, headers = {} }: Refusal): void {
    if (request.headers.accept !== EVENT_STREAM) {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return send(response, status, `${why}\n`);
    }
    const seconds = Number(headers['Retry-After'] ?? 1);
    const retryAfterMs = Math.round(1_000 * seconds * (1 + this.#deps.connection.clock.random()));
    const bye: Notifications['bye'] = { code: status === 429 ? 4429 : 1013, reason: why, retryAfterMs };
    response.writeHead(200, HEADERS);
    response.end(block({ event: 'bye', retry: retryAfterMs, data: bye }));
  }
}

interface Asked {
  subscribe: Record<string, unknown>;
  after: string | undefined;
}

/** `EventSource` repeats its URL when it reconnects, so `Last-Event-ID` wins over whatever the URL begins with. */
function paramsOf({ request, url }: StreamExchange): Asked | { problems: readonly string[] } {
  const query = readQuery(url, QUERY);
  if (!query.ok) return { problems: [query.why] };
  const { after: given, ...rest } = query.params;
  const id = request.headers['last-event-id'];
  const isResumed = typeof id === 'string' && id !== '';
  const after = isResumed ? id : given === '' ? undefined : (given as string | undefined);
  const { last: _, from: __, snapshot: ___, ...filter } = rest;
  const isKnown = after !== undefined && parseCursor(after) !== undefined;
  const subscribe = { ...(isResumed ? filter : rest), ...(isKnown && { after }) };
  const checked = checkParams('subscribe', subscribe);
  return checked.ok ? { subscribe, after } : { problems: checked.problems };
}
