// The listening server: HTTP, upgrades, connections with their sessions, and everything that these share.
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Access, ClientCertificate } from '../../access/index.js';
import { CLOCK, type Clock } from '../../clock.js';
import type { EventReader } from '../../log/index.js';
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
import type { ConnectionDeps } from '../session/connection.js';
import { plainMethods } from '../session/methods.js';
import { SessionRegistry } from '../session/registry.js';
import { SendQueues } from '../session/send-queues.js';
import { Unauthenticated } from '../session/unauthenticated.js';
import type { CommandTracing } from '../tracing.js';
import { type DeflateCounts, Deflater } from '../wire/deflate.js';
import type { Traffic } from '../wire/outbox.js';
import { Posts } from './call.js';
import { answerClientErrors, answerOn } from './client-errors.js';
import { Clients } from './clients.js';
import type { Compression } from './compression.js';
import { EventStreams } from './event-streams.js';
import { type ListenAddress, type Listener, openListeners } from './listen.js';
import type { GuardOptions } from './origin-policy.js';
import { type HttpDeps, type ServedListener, serveHttp } from './routes.js';
import { type ProxyTrust, transportOf } from './transport.js';
import { rejectUpgrade } from './upgrade.js';
import { WebSockets } from './websockets.js';

/** Which clients are served, and how. */
export interface ClientRules extends GuardOptions {
  compression: Compression;
}

export interface GatewayOptions {
  listen: readonly (ListenAddress & Pick<ServedListener, 'serves'>)[];
  /** For every TCP listener. */
  tls: TlsMaterial | undefined;
  /** Whether a TCP listener that others than this host reach is an error: nobody is asked who they are. */
  localOnly: boolean;
  trust: ProxyTrust;
  rules: ClientRules;
  version: string;
  log: EventReader;
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
  /** Returns the certificates of present clients that are not accepted any more. */
  renewTls(tls: TlsMaterial): ClientCertificate[];
  /** These rules, for requests and upgrades from now on; connections stay as they are. */
  admit(rules: ClientRules): void;
  /** These limits, and the defaults of all others; a rate of a connection or address that is there already stays. */
  limit(limits: Partial<GatewayLimits>): void;
  counts(): GatewayCounts;
  /** Sends `bye` to every client, then closes; within `drainMs`, whatever the clients do. */
  close(): Promise<void>;
}

/** Resolves once it listens; rejects with the error of `listen` (EADDRINUSE, EACCES, …). */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const { log, view, trust, metrics, pages, logger, recorder, clock = CLOCK } = options;
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
  const sockets = new Set<Socket>();
  const clients = new Clients(limits, clock, recorder);
  const rules = { ...options.rules };
  const websockets = new WebSockets({
    clients,
    rules,
    connection: deps,
    upgrades: scheduler.queue(),
  });

  const serve = serveHttp({
    guard: rules,
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
    events: new EventStreams({ clients, connection: deps }),
    cursor: () => log.cursor,
    isClosing: () => clients.isClosing,
    health: options.health,
    sourcesAnswer: () => view.sources().every(isAnswering),
  });
  function attach(server: Server, { kind, serves }: ServedListener): void {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    answerClientErrors(server, recorder);
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', destroy);
      // An event stream, or another answer that is under way, would be written between the frames.
      if (answerOn(socket)) return void socket.destroy();
      if (serves === 'metrics') return rejectUpgrade(socket, { status: 404, why: 'this listener has no WebSocket' });
      websockets.upgrade(request, socket, head, transportOf(request, 'websocket', kind, trust));
    });
  }

  const timeouts = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.httpCheckMs,
    maxHeaderSize: 16_384,
  };
  const { listen, tls, localOnly } = options;
  const listeners = await openListeners(listen, tls, localOnly, { timeouts, serve, attach });
  if (listeners.some(({ isLocal }) => !isLocal) && rules.allowHosts.length === 0)
    logger.warn(
      'only requests whose Host is a loopback name are served: --allow-host NAME for each name or address that clients use',
    );

  return {
    listeners,
    renewTls: (tls) => {
      checkTls(tls);
      return listeners.flatMap((listener) => listener.renew(tls));
    },
    admit: (given) => void Object.assign(rules, given),
    limit: (given) => void Object.assign(limits, GATEWAY_LIMITS, given),
    counts: () => ({
      ...hub.counts,
      ...deflater.counts,
      ...traffic,
      connections: clients.size,
      unauthenticated: unknown.size,
      subscribers: hub.subscribers,
      unsentBytes: clients.unsentBytes,
    }),
    close: async () => {
      clients.close();
      // Answers given in this turn are sent before the `bye`.
      await new Promise((resolve) => clock.soon(() => resolve(undefined)));
      const closed = Promise.all(listeners.map((listener) => listener.close()));
      clients.bye(1012, 'drain');
      // Connections that clients have not closed by then are cut, so that the rest fits into the bound.
      const calm = clock.after(limits.drainMs * DRAIN_SHARE, () => {
        clients.kill(1012, 'drain');
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
      websockets.close();
      requests.clear();
      progress.close();
      hub.close();
    },
  };
}

/** One function for all sockets. */
function destroy(this: Duplex): void {
  this.destroy();
}

/** The part of `drainMs` for the clients' side of closing. */
const DRAIN_SHARE = 0.8;
