// The core of a gateway that is a member of a cluster: an owner of sources, an edge for clients, or both, with NATS between the two.
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { EMPTY, Subscription } from 'rxjs';
import { CLOCK } from './clock.js';
import { CLUSTER_DEFAULTS, type ClusterOptions, Edge, Owner } from './cluster/index.js';
import type { Config } from './config/index.js';
import type { Core } from './core.js';
import { type Jobs, openJobs, type TrackOptions } from './jobs/index.js';
import { type LogLimits, MemoryLog } from './log/index.js';
import { type OpenNats, openNats, STREAM_LIMITS } from './nats/index.js';

export interface ClusterTuning {
  track: Partial<TrackOptions>;
  log?: Partial<LogLimits> | undefined;
  cluster?: Partial<ClusterOptions> | undefined;
}

type ClusterConfig = NonNullable<Config['cluster']>;

interface Member {
  name: string;
  nats: OpenNats;
  options: ClusterOptions;
  logger: Logger;
}

/** @throws the error of NATS where it can't be reached, or does not allow what the role needs. */
export async function openCluster(
  config: Config,
  cluster: ClusterConfig,
  logger: Logger,
  tuning: ClusterTuning,
): Promise<Core> {
  const name = cluster.member ?? `${hostname()}:${process.pid}`;
  const { servers, creds, tls, role } = cluster;
  const nats = await openNats({ servers, creds, tls, name: `qmp-gateway ${name}` }, cluster.name);
  const member: Member = { name, nats, logger, options: { ...CLUSTER_DEFAULTS, ...tuning.cluster } };
  try {
    const owned = role === 'edge' ? undefined : await openOwner(member, cluster.replicas, tuning.track);
    const edge = role === 'owner' ? undefined : await openEdge(member, { ...config.limits.log, ...tuning.log });
    nats.watch((isConnected) => {
      if (!isConnected) return logger.warn('the connection to NATS is lost');
      logger.info('NATS is back');
      owned?.owner.wake();
    });
    logger.info({ member: name, role, cluster: cluster.name }, 'the gateway is a member of a cluster');
    return coreOf(nats, owned, edge);
  } catch (error) {
    await nats.close();
    throw error;
  }
}

interface Owned {
  owner: Owner;
  jobs: Jobs;
}

async function openOwner(
  { name, nats, options, logger }: Member,
  replicas: number,
  track: Partial<TrackOptions>,
): Promise<Owned> {
  const ensure = (): Promise<void> => nats.ensure(CLOCK.token(4), { ...STREAM_LIMITS, replicas });
  await ensure();
  const owner = new Owner({
    ...{ member: name, stream: nats.stream, bus: nats.bus, subjects: nats.subjects, clock: CLOCK, options, logger },
    locks: await nats.locks(options.ttlMs, replicas),
    // The stream may have been deleted.
    failing: () => void ensure().catch((err: unknown) => logger.warn({ err }, 'the stream can not be made')),
  });
  const jobs = openJobs({ journalOf: (source) => owner.journalOf(source), logger, track });
  jobs.follow(owner);
  owner.begin(jobs);
  return { owner, jobs };
}

async function openEdge({ name, nats, options, logger }: Member, limits: Partial<LogLimits>): Promise<Edge> {
  const edge = new Edge({
    ...{ member: name, stream: nats.stream, bus: nats.bus, subjects: nats.subjects, clock: CLOCK, options, limits },
    failing: (err) => {
      if (err === undefined) logger.info('the stream is read again');
      else logger.warn({ err }, 'the stream can not be read: it is tried again');
    },
  });
  await edge.open();
  return edge;
}

/** An edge has no connection that a tool could use. */
const NO_SOURCES: Core['shared'] = { begin: () => ({ written: () => undefined, replied: () => undefined }) };

function coreOf(nats: OpenNats, owned: Owned | undefined, edge: Edge | undefined): Core {
  const served = edge ?? owned?.jobs;
  if (!served) throw new Error('a member is an owner or an edge');
  let handedOver = Promise.resolve();
  return {
    log: edge?.log ?? new MemoryLog(),
    failed: new Promise(() => undefined),
    commands: served.commands,
    view: served.view,
    shared: owned?.jobs.shared ?? NO_SOURCES,
    restored: () => edge?.settled() ?? [],
    startOf: (source, job) => edge?.startOf(source, job),
    ended$: edge?.ended$ ?? EMPTY,
    follow: (provider) => owned?.owner.follow(provider) ?? new Subscription(),
    isUnwell: () => !nats.isConnected(),
    conclude: () => {
      owned?.owner.leave();
      owned?.jobs.conclude();
      owned?.jobs.close();
      handedOver = owned?.owner.close() ?? handedOver;
    },
    close: async () => {
      await handedOver;
      await edge?.close();
      await nats.close();
    },
  };
}
