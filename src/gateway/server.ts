// The listening server. In: HTTP and upgrades. Out: connections, each with its session. Everything that is shared between them is made here.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type PerMessageDeflateOptions, WebSocketServer } from 'ws';
import { SUBPROTOCOL } from '../protocol/codes.js';
import { LIMITS } from '../protocol/limits.js';
import type { EventLog } from '../stream/index.js';
import { acceptOffer, type Compression } from './compression.js';
import { Connection } from './connection.js';
import { type DeflateCounts, Deflater } from './deflate.js';
import { type GuardOptions, judgeHost, judgeOrigin } from './guard.js';
import { Heartbeat } from './heartbeat.js';
import { type HttpDeps, serveHttp } from './http.js';
import { Hub, type HubCounts } from './hub.js';
import { GATEWAY_LIMITS, type GatewayLimits } from './limits.js';
import type { CommandPort, ViewPort } from './ports.js';
import { ProgressLanes } from './progress.js';
import { plainMethods } from './rpc.js';
import type { SessionDeps } from './session.js';
import { Snapshots } from './snapshot.js';
import { Turns } from './turns.js';

export interface GatewayOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  guard: GuardOptions;
  compression: Compression;
  version: string;
  log: EventLog;
  view: ViewPort;
  commands: CommandPort;
  pages: HttpDeps['pages'];
  metrics: HttpDeps['metrics'];
  limits?: Partial<GatewayLimits>;
  random?: () => number;
}

export interface GatewayCounts extends HubCounts, DeflateCounts {
  connections: number;
  subscribers: number;
}

export interface Gateway {
  address: AddressInfo;
  counts(): GatewayCounts;
  /** `bye` to every client, then closes; within `drainMs`. */
  close(): Promise<void>;
}

/** Resolves when it listens; rejects with the error of `listen` (EADDRINUSE, EACCES, …). */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const { log, view, guard, random = Math.random } = options;
  const snapshots = new Snapshots(view);
  const hub = new Hub(log, snapshots, limits);
  const progress = new ProgressLanes(view, hub);
  const heartbeat = new Heartbeat(limits.bookmarkMs);
  const methods = plainMethods({ version: options.version, log, view, commands: options.commands, limits });
  const deps: SessionDeps = { log, hub, progress, snapshots, methods };
  const deflater = new Deflater();
  const connections = new Set<Connection>();
  const upgrades = new Turns();
  let closing = false;

  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16_384 },
    serveHttp({ guard, methods, metrics: options.metrics, pages: options.pages, by: 'anonymous' }),
  );
  const plain = openSockets(false);
  // It answers offers and inflates what clients send; what we send is deflated in `deflate`, once for everybody.
  const deflating = openSockets({
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    zlibInflateOptions: { chunkSize: 1_024 },
  });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    // A gateway that restarts is called by all its clients at once.
    upgrades.add(() => upgrade(request, socket, head));
  });

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = closing ? { status: '503 Service Unavailable', why: 'the gateway is closing' } : judge(request);
    if (refusal) return reject(socket, refusal);
    const { headers } = request;
    const offer = acceptOffer(options.compression, request.socket.remoteAddress, headers['sec-websocket-extensions']);
    if (offer !== undefined) headers['sec-websocket-extensions'] = offer;
    (offer === undefined ? plain : deflating).handleUpgrade(request, socket, head, (ws) => {
      const connection = new Connection(ws, socket as Socket, 'anonymous', deps, limits, deflater, () => {
        connections.delete(connection);
        heartbeat.remove(connection);
      });
      connections.add(connection);
      heartbeat.add(connection);
    });
  }

  function judge(request: IncomingMessage): Refused | undefined {
    const { host, origin, 'sec-websocket-protocol': offered } = request.headers;
    for (const verdict of [judgeHost(host, guard), judgeOrigin(origin, host, guard)])
      if (!verdict.ok) return { status: '403 Forbidden', why: verdict.why };
    if ((request.url ?? '').split('?', 1)[0] !== '/v1')
      return { status: '404 Not Found', why: 'the WebSocket is at /v1' };
    if (offered !== undefined && !offered.split(',').some((each) => each.trim() === SUBPROTOCOL))
      return { status: '400 Bad Request', why: `supported subprotocols: ${SUBPROTOCOL}` };
    if (connections.size >= limits.connections)
      return { status: '503 Service Unavailable', why: `at most ${limits.connections} connections`, retryAfterS: 5 };
    return undefined;
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, backlog: 4_096 }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

  return {
    address: server.address() as AddressInfo,
    counts: () => ({ ...hub.counts, ...deflater.counts, connections: connections.size, subscribers: hub.subscribers }),
    close: async () => {
      closing = true;
      heartbeat.close();
      const spreadMs = Math.max(1_000, (connections.size / limits.reconnectsPerSecond) * 1_000);
      for (const connection of connections)
        connection.bye({ code: 1012, reason: 'drain', retryAfterMs: Math.round(random() * spreadMs) });
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const bound = setTimeout(() => {
        for (const connection of connections) connection.kill(1012, 'drain');
        server.closeAllConnections();
      }, limits.drainMs);
      await closed;
      clearTimeout(bound);
      progress.close();
      hub.close();
    },
  };
}

/** Upgrades for one kind of connection. */
function openSockets(perMessageDeflate: PerMessageDeflateOptions | false): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: LIMITS.messageBytes,
    perMessageDeflate,
    maxFragments: 16,
    maxBufferedChunks: 1_024,
    maxPendingAutoPongs: 8,
    closeTimeout: 5_000,
    handleProtocols: () => SUBPROTOCOL,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
}

interface Refused {
  status: string;
  why: string;
  retryAfterS?: number;
}

/** Before the upgrade there is no WebSocket to close: a plain HTTP answer. */
function reject(socket: Duplex, { status, why, retryAfterS }: Refused): void {
  const body = `${why}\n`;
  const retry = retryAfterS === undefined ? '' : `Retry-After: ${retryAfterS}\r\n`;
  // A peer that never hangs up does not hold up the end.
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${retry}Connection: close\r\n\r\n${body}`,
  );
}
