// Composition root: it alone wires the layers.
//
//   sources ──signal──► jobs ──draft──► log ──entry──► gateway ──frame──► clients
//      ▲                 │                                │
//      └── QMP command ◄─┴────────── CommandPort ◄────────┘
import type { Logger } from 'pino';
import { Subscription } from 'rxjs';
import { NO_ACCESS_POLICY, type TokenEntry, TokenPolicy } from './access/index.js';
import type { Config } from './config.js';
import { type Gateway, type GatewayLimits, openGateway } from './gateway/index.js';
import { openJobs, type TrackOptions } from './jobs/index.js';
import { type EventLog, type LogLimits, MemoryLog } from './log/index.js';
import { openMetrics } from './metrics.js';
import { openPages } from './pages.js';
import { QmpJobSource, type QmpSourceOptions, type SourceProvider, staticSources } from './sources/index.js';
import { VERSION } from './version.js';

/** What an embedder may replace or add: the log, sources; and intervals and bounds, which tests shorten. */
export interface Tuning {
  track: Partial<TrackOptions>;
  source: Partial<QmpSourceOptions>;
  log: Partial<LogLimits>;
  openLog: () => EventLog;
  /** Sources beside the configured ones. */
  provider: SourceProvider;
  gateway: Partial<GatewayLimits>;
}

export interface App {
  /** URL of the dashboard and of clients, `http://HOST:PORT/`. */
  url: string;
  port: number;
  /** Resolves when the log can take no more entries: the process must close the gateway and end, and its next start begins another epoch. */
  failed: Promise<Error>;
  /** Other tokens are in force at once; of a gateway that was started without any, nothing changes. */
  replaceTokens(tokens: readonly TokenEntry[]): void;
  /** Says goodbye to clients, hangs up on monitors; within the gateway's `drainMs`. */
  close(): Promise<void>;
}

/**
 * Starts the gateway.
 *
 * @returns once it listens; sources connect later, as soon as they can.
 * @throws the error of `listen` (EADDRINUSE, EACCES).
 * @example const app = await start(config, pino()); console.log(app.url); await app.close();
 */
export async function start(config: Config, logger: Logger, tuning: Partial<Tuning> = {}): Promise<App> {
  const running = new Subscription();
  const log = tuning.openLog?.() ?? new MemoryLog({ limits: tuning.log ?? {} });
  const jobs = openJobs({ journal: log, logger, track: tuning.track });
  const tokens = config.tokens && new TokenPolicy(config.tokens.entries);
  let gateway: Gateway | undefined;
  const metrics = openMetrics({
    gateway: () => gateway?.counts(),
    log: () => ({ ...log.size, head: log.head }),
    sources: jobs.view.sources,
  });

  gateway = await openGateway({
    ...config.listen,
    guard: { allowHosts: config.allowHosts, allowOrigins: config.allowOrigins },
    compression: config.compression,
    version: VERSION,
    log,
    view: jobs.view,
    commands: jobs.commands,
    access: tokens ?? NO_ACCESS_POLICY,
    metrics: () => metrics.text(),
    pages: openPages(),
    logger,
    limits: tuning.gateway ?? {},
  });

  running.add(
    jobs.ended$.subscribe({
      next: ({ settled }) => metrics.settled(settled.outcome, settled.provenance),
      error: (error: unknown) => logger.error({ err: error }, 'the stream of settlements ended'),
    }),
  );
  const monitors = config.sources.map((source) => new QmpJobSource(source, tuning.source));
  running.add(jobs.follow(staticSources(monitors)));
  if (tuning.provider) running.add(jobs.follow(tuning.provider));

  const { address, port } = gateway.address;
  const host = address.includes(':') ? `[${address}]` : address;
  return {
    url: `http://${host}:${port}/`,
    port,
    failed: log.failed,
    replaceTokens: (entries) => tokens?.replace(entries),
    close: async () => {
      jobs.conclude();
      await gateway.close();
      running.unsubscribe();
      jobs.close();
    },
  };
}
