// The listening server: HTTP, upgrades, connections with their sessions, and everything that these share.
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Access, afterAuthentication, NOBODY, type Transport } from '../../access/index.js';
import { CLOCK, type Clock } from '../../clock.js';
import type { EventLog } from '../../log/index.js';
import { isAnswering } from '../../protocol/rules.js';
import { checkTls, type TlsMaterial } from '../../tls.js';
import { countFailures } from '../count-failures.js';
import { Hub, type HubCounts } from '../fan-out/hub.js';
import { ProgressLanes } from '../fan-out/progress.js';
import { Snapshots } from '../fan-out/snapshot.js';
import { GATEWAY_LIMITS, type GatewayLimits } from '../limits.js';
import type { GatewayLogger } from '../logger.js';
import type { CommandPort, HistoryPort, ViewPort } from '../ports.js';
import type { GatewayRecorder } from '../recorder.js';
import { Scheduler } from '../scheduler.js';
import { Connection, type ConnectionDeps } from '../session/connection.js';
import { Heartbeat } from '../session/heartbeat.js';
import { plainMethods } from '../session/methods.js';
import { isLocalPeer, peerOf } from '../session/peer.js';
import { AddressRates } from '../session/rates.js';
import { SessionRegistry } from '../session/registry.js';
import { SendQueues } from '../session/send-queues.js';
import { Unauthenticated } from '../session/unauthenticated.js';
import type { CommandTracing } from '../tracing.js';
import { type DeflateCounts, Deflater } from '../wire/deflate.js';
import type { Traffic } from '../wire/outbox.js';
import { answerClientErrors } from './client-errors.js';
import type { Compression } from './compression.js';
import { type ListenAddress, type Listener, openListeners } from './listen.js';
import type { GuardOptions } from './origin-policy.js';
import { Posts } from './post.js';
import { type HttpDeps, type ServedListener, serveHttp } from './routes.js';
import { credentialsOf, type ProxyTrust, transportOf } from './transport.js';
import {
  acceptOffers,
  judgeUpgrade,
  openSockets,
  type Refusal,
  refusedAccess,
  rejectUpgrade,
  retryAfter,
} from './upgrade.js';

export interface GatewayOptions {
  listen: readonly (ListenAddress & Pick<ServedListener, 'serves'>)[];
  /** For every TCP listener. */
  tls: TlsMaterial | undefined;
  /** Whether a TCP listener that others than this host reach is an error: nobody is asked who they are. */
  localOnly: boolean;
  trust: ProxyTrust;
  guard: GuardOptions;
  compression: Compression;
  version: string;
  log: EventLog;
  view: ViewPort;
  history: HistoryPort;
  commands: CommandPort;
  access: Access;
  pages: HttpDeps['pages'];
  metrics: HttpDeps['metrics'];
  health: HttpDeps['health'];
  recorder: GatewayRecorder;
  tracing: CommandTracing;
  /** For the gateway's own exceptions. */
  logger: GatewayLogger;
  limits?: Partial<GatewayLimits>;
  /** Default: the clock of the process. */
  clock?: Clock;
}

export interface GatewayCounts extends HubCounts, DeflateCounts, Traffic {
  connections: number;
  /** Connections that have not authenticated yet. */
  unauthenticated: number;
  subscribers: number;
  /** Bytes that wait for the kernel, of all connections. */
  unsentBytes: number;
}

export interface Gateway {
  listeners: readonly Pick<Listener, 'url' | 'serves' | 'bound' | 'isLocal'>[];
  /** New connections use this certificate. Throws the error of TLS for one that can't be used; nothing has changed then. */
  renewTls(tls: TlsMaterial): void;
  /** These limits, and the defaults of all others; a rate of a connection or address that is there already stays. */
  limit(limits: Partial<GatewayLimits>): void;
  counts(): GatewayCounts;
  /** Sends `bye` to every client, then closes; within `drainMs`, whatever the clients do. */
  close(): Promise<void>;
}

/** Resolves once it listens; rejects with the error of `listen` (EADDRINUSE, EACCES, …). */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const { log, view, guard, trust, metrics, pages, logger, recorder, clock = CLOCK } = options;
  const access = countFailures(options.access, recorder);
  const sessions = new SessionRegistry();
  const changes = access.changes$.subscribe({
    next: (change) => sessions.apply(change),
    error: (err: unknown) => logger.error({ err }, 'the access policy reports no changes any more'),
  });
  const scheduler = new Scheduler(clock);
  const requests = scheduler.queue();
  const snapshots = new Snapshots(view, clock);
  const hub = new Hub({ log, snapshots, limits, clock, scheduler, recorder });
  const progress = new ProgressLanes({ view, hub, limits, clock, scheduler });
  const heartbeat = new Heartbeat(limits.bookmarkMs, clock);
  const { version, commands, history, tracing } = options;
  const searches = scheduler.queue();
  const port = { log, view, commands, history };
  const methods = plainMethods({ version, ...port, searches, limits, logger, recorder, tracing, clock });
  const deflater = new Deflater();
  const sendQueues = new SendQueues(clock);
  const traffic: Traffic = { sentBytes: 0 };
  const unknown = new Unauthenticated(limits, clock, recorder);
  const deps: ConnectionDeps = {
    access,
    sessions,
    log,
    hub,
    progress,
    snapshots,
    methods,
    limits,
    clock,
    deflater,
    requests,
    sendQueues,
    unauthenticated: unknown,
    traffic,
    recorder,
    logger,
  };
  const connections = new Set<Connection>();
  const sockets = new Set<Socket>();
  const upgrades = scheduler.queue();
  const rates = new AddressRates(limits.connectionsPerSecond, limits.connectionsBurst);
  let opened = 0;
  let closing = false;

  const serve = serveHttp({
    guard,
    trust,
    methods,
    metrics,
    pages,
    logger,
    access,
    requests,
    clock,
    posts: new Posts(limits, clock, recorder),
    recorder,
    isClosing: () => closing,
    health: options.health,
    sourcesAnswer: () => view.sources().every(isAnswering),
  });
  const plain = openSockets(false);
  // `ws` answers offers and inflates what clients send; outgoing messages are deflated in `deflate`, once for all.
  const deflating = openSockets({
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    zlibInflateOptions: { chunkSize: 1_024 },
  });

  function attach(server: Server, { kind, serves }: ServedListener): void {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    answerClientErrors(server, recorder);
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      if (serves === 'metrics') return rejectUpgrade(socket, { status: 404, why: 'this listener has no WebSocket' });
      // After a restart all clients connect at once.
      upgrades.later(socket, () => {
        upgrade(request, socket, head, transportOf(request, 'websocket', kind, trust));
        return true;
      });
    });
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, transport: Transport): void {
    const refusal = judgeUpgrade(request, guard) ?? judgeCount(transport);
    if (refusal) return rejectUpgrade(socket, refusal);
    const credentials = credentialsOf(request);
    afterAuthentication(access.authenticate(credentials, transport), (authenticated) => {
      // A browser has no header to give: its first message is `authenticate`.
      const mayFollow = request.headers.authorization === undefined;
      const isFinal = !authenticated.ok && (authenticated.error.reason !== 'UNAUTHENTICATED' || !mayFollow);
      if (isFinal) return rejectUpgrade(socket, refusedAccess(authenticated.error));
      // It may have taken time to know.
      const late = judgeRoom();
      if (late) return rejectUpgrade(socket, late);
      if (socket.destroyed) return;
      const principal = authenticated.ok ? authenticated.result : NOBODY;
      const server = acceptOffers(request, transport.address, options.compression) ? deflating : plain;
      server.handleUpgrade(request, socket, head, (ws) => {
        const client = { socket: socket as Socket, principal, transport };
        const connection = new Connection(
          ws,
          client,
          { ...deps, logger: logger.child({ connection: ++opened }) },
          () => {
            connections.delete(connection);
            heartbeat.remove(connection);
          },
        );
        connections.add(connection);
        heartbeat.add(connection);
      });
    });
  }

  function judgeCount({ address }: Transport): Refusal | undefined {
    const full = judgeRoom();
    if (full) return full;
    const peer = peerOf(address);
    const wait = isLocalPeer(peer) && !limits.limitLoopback ? 0 : rates.take(peer, clock.now());
    if (wait === 0) return undefined;
    recorder.limited('upgrades_rate');
    return {
      status: 429,
      why: `at most ${limits.connectionsPerSecond} connections a second`,
      headers: retryAfter(wait),
    };
  }

  function judgeRoom(): Refusal | undefined {
    if (closing) return { status: 503, why: 'the gateway is closing', headers: retryAfter(1_000) };
    if (connections.size < limits.connections) return undefined;
    recorder.limited('connections');
    return { status: 503, why: `at most ${limits.connections} connections`, headers: retryAfter(5_000) };
  }

  const timeouts = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.httpCheckMs,
    maxHeaderSize: 16_384,
  };
  const { listen, tls, localOnly } = options;
  const listeners = await openListeners(listen, tls, localOnly, { timeouts, serve, attach });
  if (listeners.some(({ isLocal }) => !isLocal) && guard.allowHosts.length === 0)
    logger.warn(
      'only requests whose Host is a loopback name are served: --allow-host NAME for each name or address that clients use',
    );

  return {
    listeners,
    renewTls: (tls) => {
      checkTls(tls);
      for (const listener of listeners) listener.renew(tls);
    },
    limit: (given) => void Object.assign(limits, GATEWAY_LIMITS, given),
    counts: () => ({
      ...hub.counts,
      ...deflater.counts,
      ...traffic,
      connections: connections.size,
      unauthenticated: unknown.size,
      subscribers: hub.subscribers,
      unsentBytes: [...connections].reduce((sum, { pending }) => sum + pending, 0),
    }),
    close: async () => {
      closing = true;
      heartbeat.close();
      // Answers given in this turn are sent before the `bye`.
      await new Promise((resolve) => clock.soon(() => resolve(undefined)));
      const closed = Promise.all(listeners.map((listener) => listener.close()));
      const spreadMs = Math.max(1_000, (connections.size / limits.reconnectsPerSecond) * 1_000);
      for (const connection of connections) connection.bye(1012, 'drain', Math.round(clock.random() * spreadMs));
      // Connections that clients have not closed by then are cut, so that the rest fits into the bound.
      const calm = clock.after(limits.drainMs * DRAIN_SHARE, () => {
        for (const connection of connections) connection.kill(1012, 'drain');
        for (const socket of sockets) socket.destroy();
      });
      let unbind = (): void => undefined;
      const late = new Promise<void>((resolve) => {
        unbind = clock.after(limits.drainMs, resolve);
      });
      await Promise.race([closed, late]);
      calm();
      unbind();
      changes.unsubscribe();
      upgrades.clear();
      requests.clear();
      progress.close();
      hub.close();
    },
  };
}

/** The part of `drainMs` for the clients' side of closing. */
const DRAIN_SHARE = 0.8;
