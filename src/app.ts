// Composition root: the only file that knows every layer.
//
//   sources ──signal──► jobs ──draft──► log ──entry──► gateway ──frame──► clients
//      ▲                 │                                │
//      └── QMP command ◄─┴────────── CommandPort ◄────────┘
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { Subscription } from 'rxjs';
import sirv from 'sirv';
import { NO_ACCESS_POLICY } from './access/index.js';
import type { Config } from './config.js';
import {
  type CommandPort,
  type Gateway,
  type GatewayCounts,
  type GatewayLimits,
  isLoopbackName,
  openGateway,
  type ViewPort,
} from './gateway/index.js';
import { JobCommands, ProgressPoller, SourceRegistry, SourceTracker, type TrackOptions } from './jobs/index.js';
import { type LogLimits, MemoryLog } from './log/index.js';
import { openMetrics } from './metrics.js';
import { type Source, type SuperviseOptions, socketBirth, supervise } from './sources/index.js';
import { VERSION } from './version.js';

/** Milliseconds between the queries that back up the events while somebody waits for a run's end. */
const WAIT_POLL_MS = 2_000;

/** Until the gateway listens. */
const NO_COUNTS: GatewayCounts = {
  connections: 0,
  subscribers: 0,
  parked: 0,
  resets: 0,
  caughtUp: 0,
  deflatedFrames: 0,
  deflatedFrom: 0,
  deflatedTo: 0,
};

/** Intervals and bounds that tests shorten. */
export interface Tuning {
  track: Partial<TrackOptions>;
  supervise: Partial<SuperviseOptions>;
  log: Partial<LogLimits>;
  gateway: Partial<GatewayLimits>;
}

export interface App {
  /** Where people and clients go, `http://HOST:PORT/`. */
  url: string;
  port: number;
  /** Says goodbye to clients, hangs up on monitors; within the gateway's `drainMs`. */
  close(): Promise<void>;
}

/**
 * Starts the gateway.
 *
 * @returns when it listens; sources connect by themselves, whenever they can.
 * @throws the error of `listen` (EADDRINUSE, EACCES).
 * @example const app = await start(config, pino()); console.log(app.url); await app.close();
 */
export async function start(config: Config, logger: Logger, tuning: Partial<Tuning> = {}): Promise<App> {
  const running = new Subscription();
  const log = new MemoryLog({ limits: tuning.log ?? {} });
  const registry = new SourceRegistry();
  const poller = new ProgressPoller();
  const jobCommands = new JobCommands(registry, (source, waiting) =>
    poller.demand(`wait ${source}`, waiting ? { wants: (name) => name === source, everyMs: WAIT_POLL_MS } : undefined),
  );

  const view: ViewPort = {
    sources: () => registry.sources,
    jobs: (wants) => registry.jobs(wants),
    settled: () => registry.settled(() => true, Number.POSITIVE_INFINITY),
    isLive: (source, job, run) => registry.isLive(source, job, run),
    progress$: registry.progress$,
    freshen: (wants, maxAgeMs, waitMs) => registry.freshen(wants, maxAgeMs, waitMs),
    demand: (key, demand) => poller.demand(key, demand),
  };
  const commands: CommandPort = {
    'job.get': (context, params) => jobCommands.get(context, params),
    'job.abort': (context, params) => jobCommands.abort(context, params),
    'job.wait': (context, params) => jobCommands.wait(context, params),
    'job.complete': (context, params) => jobCommands.complete(context, params),
    'job.pause': (context, params) => jobCommands.pause(context, params),
    'job.resume': (context, params) => jobCommands.resume(context, params),
    'job.finalize': (context, params) => jobCommands.finalize(context, params),
    'job.dismiss': (context, params) => jobCommands.dismiss(context, params),
    'job.setSpeed': (context, params) => jobCommands.setSpeed(context, params),
  };
  let gateway: Gateway | undefined;
  const metrics = openMetrics({
    gateway: () => gateway?.counts() ?? NO_COUNTS,
    log: () => ({ ...log.size, head: log.head }),
    sources: () => registry.sources,
  });

  gateway = await openGateway({
    ...config.listen,
    guard: { allowHosts: config.allowHosts, allowOrigins: config.allowOrigins },
    compression: config.compression,
    version: VERSION,
    log,
    view,
    commands,
    access: NO_ACCESS_POLICY,
    metrics: () => metrics.text(),
    pages: openPages(),
    logger,
    limits: tuning.gateway ?? {},
  });

  if (!isLoopbackName(config.listen.host) && config.allowHosts.length === 0)
    logger.warn(
      'only requests whose Host is a loopback name are served: --allow-host NAME for each name or address that clients use',
    );

  running.add(
    registry.signals$.subscribe({
      next: ({ tracker, signal }) => {
        jobCommands.take(tracker, signal);
        if (signal.kind === 'began' || signal.kind === 'synced') poller.arm(tracker);
        if (signal.kind !== 'settled') return;
        const { source, job, run, settled } = signal.settled;
        metrics.settled(settled.outcome, settled.provenance);
        logger.info({ source, job, run, outcome: settled.outcome, provenance: settled.provenance }, 'job settled');
      },
      error: (error: unknown) => logger.error({ err: error }, 'the stream of job signals ended'),
    }),
  );
  for (const source of config.sources) running.add(follow(source));

  function follow({ name, address }: Source): Subscription {
    const sourceLogger = logger.child({ source: name });
    const tracker = new SourceTracker(name, log, () => socketBirth(address), {
      report: (what, fields) => sourceLogger[what === 'responsive' ? 'info' : 'warn'](fields, `source ${what}`),
      ...tuning.track,
    });
    registry.add(tracker);
    poller.add(tracker);
    let lastReason: string | undefined;
    const subscription = supervise(address, tuning.supervise).subscribe({
      next: (signal) => {
        tracker.take(signal);
        if (signal.kind === 'up') sourceLogger.info('connected');
        if (signal.kind === 'waiting') sourceLogger.warn(signal, 'source does not answer');
        if (signal.kind !== 'down') return;
        const { reason, detail, attempt, retryInMs } = signal;
        // Once for each reason; the tries between are for who debugs.
        sourceLogger[reason === lastReason && attempt > 1 ? 'debug' : 'warn'](
          { reason, detail, attempt, retryInMs },
          'source down',
        );
        lastReason = reason;
      },
      error: (error: unknown) => sourceLogger.error({ err: error }, 'the supervisor ended'),
    });
    subscription.add(() => tracker.close());
    return subscription;
  }

  const { address, port } = gateway.address;
  const host = address.includes(':') ? `[${address}]` : address;
  return {
    url: `http://${host}:${port}/`,
    port,
    close: async () => {
      registry.conclude();
      jobCommands.close();
      await gateway.close();
      poller.close();
      running.unsubscribe();
    },
  };
}

/** The dashboard, where the package was built with it. */
function openPages(): ReturnType<typeof sirv> {
  const folder = fileURLToPath(new URL('./demo-client', import.meta.url));
  return existsSync(folder) ? sirv(folder, { etag: true }) : (_request, _response, miss) => miss?.();
}
