// Composition root: it alone wires the layers.
//
//   sources ──signal──► jobs ──draft──► log ──entry──► gateway ──frame──► clients
//      ▲                 │                                │
//      └── QMP command ◄─┴────────── CommandPort ◄────────┘
import { join } from 'node:path';
import type { Logger } from 'pino';
import { BehaviorSubject, Subscription } from 'rxjs';
import { AccessPolicy, asksWho } from './access/index.js';
import { CLOCK } from './clock.js';
import type { ClusterOptions } from './cluster/index.js';
import { type Config, EXPOSED } from './config/index.js';
import { CommandTracing, type Gateway, type GatewayLimits, type GatewayOptions, openGateway } from './gateway/index.js';
import { type Health, judgeHealth } from './health.js';
import type { HistoryLimits } from './history/index.js';
import type { TrackOptions } from './jobs/index.js';
import type { EventLog, LogLimits } from './log/index.js';
import { openMetrics } from './metrics/index.js';
import { openCore } from './open-core.js';
import { openHistory } from './open-history.js';
import type { DiskTuning } from './open-log.js';
import { openPages } from './pages.js';
import { SHARE_LIMITS, type ShareLimits, Shares } from './share/index.js';
import {
  type AcceptOptions,
  ConfiguredSources,
  type LibvirtOptions,
  type QmpSourceOptions,
  type SourceChanges,
  type SourceProvider,
  sourceOpener,
} from './sources/index.js';
import { VERSION } from './version.js';
import { FilePositions, WEBHOOK_LIMITS, type WebhookChanges, type WebhookLimits, Webhooks } from './webhooks/index.js';

/** What an embedder may replace or add: the log, sources; and intervals and bounds, which tests shorten. */
export interface Tuning {
  track: Partial<TrackOptions>;
  source: Partial<QmpSourceOptions>;
  libvirt: Partial<LibvirtOptions>;
  accept: Partial<AcceptOptions>;
  log: Partial<LogLimits>;
  disk: DiskTuning;
  history: Partial<HistoryLimits>;
  openLog: () => EventLog;
  /** Sources beside the configured ones. */
  provider: SourceProvider;
  gateway: Partial<GatewayLimits>;
  cluster: Partial<ClusterOptions>;
  share: Partial<ShareLimits>;
  webhooks: Partial<WebhookLimits>;
}

export interface App {
  /** Of the dashboard and of clients: `http://HOST:PORT/`; `unix:/path` where there is no TCP listener. */
  url: string;
  /** Of each listener for clients. */
  urls: readonly string[];
  /** Of the listener for metrics and health alone, where there is one. */
  metricsUrl: string | undefined;
  /** 0 where there is no TCP listener. */
  port: number;
  /** Resolves when the log can take no more entries: the process must close the gateway and end, and its next start begins another epoch. */
  failed: Promise<Error>;
  /**
   * Sources, webhooks, credentials, certificates and limits are those of another configuration at once; no client is disturbed whom the change does not concern. Where
   * it listens, whose headers it believes, and what else `needRestart` names stay until a restart. Throws the error of TLS for a certificate that can't be
   * used, and an error where others than this host would reach a gateway that asks nobody who they are; nothing has changed then.
   */
  reload(config: Config): Reloaded;
  /** The configuration could not be read again: what is in force stays, and the gateway reports that its credentials may be old. */
  unread(): void;
  /** Says goodbye to clients, hangs up on monitors; within the gateway's `drainMs`. */
  close(): Promise<void>;
}

export interface Reloaded {
  sources: SourceChanges;
  webhooks: WebhookChanges;
  /** Settings that are others now, but need a restart. */
  needRestart: string[];
}

/**
 * Starts the gateway.
 *
 * @returns once it listens; sources connect later, as soon as they can.
 * @throws the error of `listen` (EADDRINUSE, EACCES); of the data folder: `FolderInUse`, or the error of the file system; in a cluster the error of NATS.
 * @example const app = await start(config, pino()); console.log(app.url); await app.close();
 */
export async function start(config: Config, logger: Logger, tuning: Partial<Tuning> = {}): Promise<App> {
  const running = new Subscription();
  const track: Partial<TrackOptions> = { ...tuning.track, limited: (limit) => metrics.limited(limit) };
  const access = new AccessPolicy(config.access, CLOCK, {
    changed: (problem) =>
      problem === undefined
        ? logger.info('the keys of the issuer of JWTs can be fetched again')
        : logger.warn({ problem }, 'the keys of the issuer of JWTs cannot be fetched'),
  });
  // Nothing of NATS is loaded where there is no cluster.
  const core = config.cluster
    ? await (await import('./open-cluster.js')).openCluster(config, config.cluster, logger, {
        ...tuning,
        track,
        acknowledged: (ms) => metrics.appended(ms),
        verify: (token) => access.verify(token),
      })
    : await openCore(config, logger, { ...tuning, track });
  const { log } = core;
  const { history, samples, follow } = await openHistory(config, core, logger, tuning.history).catch(
    async (error: unknown) => {
      await core.close();
      throw error;
    },
  );
  const shares = new Shares(config.shares, {
    limits: { ...SHARE_LIMITS, ...tuning.share },
    clock: CLOCK,
    commands: core.shared,
    limited: (limit) => metrics.limited(limit),
    logger,
  });
  let gateway: Gateway | undefined;
  let webhooks: Webhooks | undefined;
  let isStale = false;
  const health = (): Health => judgeHealth(log.status, isStale || access.problem !== undefined, core.isUnwell());
  const tls$ = new BehaviorSubject(config.tls);
  let clientCa = config.tls?.clientCa;
  const opener = sourceOpener({
    qmp: {
      ...tuning.source,
      sessions: shares,
      qmp: {
        replied: (command, ms) => metrics.replied(command, ms),
        eventCut: () => metrics.limited('event_data'),
        ...tuning.source?.qmp,
      },
    },
    libvirt: {
      eventCut: () => metrics.limited('event_data'),
      overtaken: () => metrics.overtaken(),
      ...config.libvirt,
      ...tuning.libvirt,
    },
    calls: config.limits.libvirt,
    accept: tuning.accept ?? {},
    tls$,
    limited: (limit) => metrics.limited(limit),
    logger,
  });
  const metrics = openMetrics({
    gateway: () => gateway?.counts(),
    log: { status: () => log.status, head: () => log.head },
    history: () => history.status,
    libvirtds: () => opener.libvirtds.counts,
    webhooks: () => webhooks?.counts ?? [],
    sources: core.view.sources,
    jobs: () => core.view.jobs(() => true),
    health,
    cluster: core.cluster,
  });
  running.add(log.entries$.subscribe(metrics.entry));

  const tracing = new CommandTracing(VERSION);
  const abandon = async (error: unknown): Promise<never> => {
    await shares.close();
    await history.close();
    await core.close();
    throw error;
  };
  await shares.listen().catch(abandon);
  gateway = await openGateway({
    listen: listenersOf(config),
    tls: config.tls,
    localOnly: isLocalOnly(config),
    trust: config.trust,
    rules: rulesOf(config),
    version: VERSION,
    log,
    view: core.view,
    history: { older: history.older.bind(history), progressOf: (run) => samples.of(run) },
    commands: core.commands,
    access,
    metrics: () => metrics.text(),
    health: () => Object.entries(health()).flatMap(([part, isUnwell]) => (isUnwell ? [part] : [])),
    recorder: metrics.recorder,
    tracing,
    pages: openPages(),
    logger,
    limits: { ...config.limits.gateway, ...tuning.gateway },
  }).catch(abandon);

  running.add(
    core.ended$.subscribe({
      next: ({ settled: ended }) => {
        metrics.settled(ended.settled.outcome, ended.settled.provenance);
        tracing.settled(ended);
      },
      error: (error: unknown) => logger.error({ err: error }, 'the stream of settlements ended'),
    }),
  );
  const limits = { ...WEBHOOK_LIMITS, ...tuning.webhooks };
  const { saveMs } = limits;
  const folder = config.data && join(config.data.folder, 'webhooks');
  const posts = new Webhooks(config.webhooks, {
    ...{ log, clock: CLOCK, logger, limits, userAgent: `qmp-gateway/${VERSION}` },
    positions: core.positions?.(saveMs) ?? new FilePositions(folder, { clock: CLOCK, saveMs, logger }),
  });
  webhooks = posts;
  running.add(follow());
  const sources = new ConfiguredSources(config, opener);
  running.add(core.follow(sources));
  if (tuning.provider) running.add(core.follow(tuning.provider));
  const { listeners, close: closeGateway } = gateway;
  const close = async (): Promise<void> => {
    core.conclude();
    await Promise.all([shares.close(), closeGateway()]);
    running.unsubscribe();
    // Together: each may wait for a disk that does not answer.
    await Promise.all([history.close(), posts.close().then(core.close)]);
    tracing.close();
  };
  const refused = await opener.listening();
  if (refused) {
    await close();
    throw refused;
  }

  const { counts } = gateway;
  const main = listeners.find(({ serves, bound }) => serves === 'all' && bound) ?? listeners[0];
  core.serving(() => ({ connections: counts().connections, url: main?.url ?? '', webhooks: posts.counts }));
  return {
    url: main?.url ?? '',
    urls: listeners.filter(({ serves }) => serves === 'all').map(({ url }) => url),
    metricsUrl: listeners.find(({ serves }) => serves === 'metrics')?.url,
    port: main?.bound?.port ?? 0,
    failed: core.failed,
    reload: (next) => {
      if (isLocalOnly(next) && listeners.some(({ isLocal }) => !isLocal)) throw new Error(EXPOSED);
      if (config.tls && next.tls) {
        // Whether a client is asked for a certificate is settled when a listener is made.
        clientCa &&= next.tls.clientCa ?? clientCa;
        const tls = { ...next.tls, clientCa };
        access.distrust(gateway.renewTls(tls));
        tls$.next(tls);
      }
      gateway.admit(rulesOf(next));
      gateway.limit({ ...next.limits.gateway, ...tuning.gateway });
      access.replace(next.access);
      isStale = false;
      return {
        sources: sources.replace(next),
        webhooks: posts.replace(next.webhooks),
        needRestart: fixedOf(config, next),
      };
    },
    unread: () => {
      isStale = true;
    },
    close,
  };
}

/** Settings that are in force from start to end, and are others now. */
function fixedOf(before: Config, next: Config): string[] {
  const names = ['listen', 'metricsListen', 'trust', 'libvirt', 'cluster'] as const;
  const changed: string[] = names.filter((name) => differ(before[name], next[name]));
  if (differ(before.shares, next.shares)) changed.push('share');
  if ((before.tls === undefined) !== (next.tls === undefined)) changed.push('tls');
  if (before.tls && next.tls && !before.tls.clientCa !== !next.tls.clientCa) changed.push('tlsClientCa');
  if (differ(before.data, next.data)) changed.push('data');
  if (differ([before.limits.log, before.limits.disk], [next.limits.log, next.limits.disk]))
    changed.push('limits of the log');
  if (differ(before.limits.history, next.limits.history)) changed.push('limits of the history');
  if (differ(before.limits.libvirt, next.limits.libvirt)) changed.push('libvirtHeldCalls');
  return changed;
}

const rulesOf = ({ allowHosts, allowOrigins, compression }: Config): GatewayOptions['rules'] => ({
  allowHosts,
  allowOrigins,
  compression,
});

/** Nobody is asked who they are, so only this host may reach it. */
const isLocalOnly = ({ access, insecureNoAuth }: Config): boolean => !asksWho(access) && !insecureNoAuth;

const differ = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);

const listenersOf = ({ listen, metricsListen }: Config): GatewayOptions['listen'] => [
  ...listen.map((address) => ({ ...address, serves: 'all' as const })),
  ...(metricsListen ? [{ ...metricsListen, serves: 'metrics' as const }] : []),
];
