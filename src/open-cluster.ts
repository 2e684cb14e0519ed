// The core of a gateway that is a member of a cluster: an owner of sources, an edge for clients, or both, with NATS between the two.
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { EMPTY, Subscription } from 'rxjs';
import { CLOCK } from './clock.js';
import {
  type CallerChecks,
  CLUSTER_DEFAULTS,
  type ClusterOptions,
  Edge,
  type EdgeStatus,
  type MemberStatus,
  Owner,
} from './cluster/index.js';
import type { Config } from './config/index.js';
import type { Core, Served } from './core.js';
import { type Jobs, openJobs, type TrackOptions } from './jobs/index.js';
import { type LogLimits, MemoryLog } from './log/index.js';
import type { ClusterReaders } from './metrics/index.js';
import {
  FENCED_SINCE,
  isForbidden,
  type Locks,
  type OpenNats,
  openNats,
  STREAM_LIMITS,
  type StreamLimits,
  type WebhookBuckets,
} from './nats/index.js';
import { SharedPositions } from './shared-positions.js';
import { VERSION } from './version.js';

export interface ClusterTuning {
  track: Partial<TrackOptions>;
  log?: Partial<LogLimits> | undefined;
  cluster?: Partial<ClusterOptions> | undefined;
  /** The stream has acknowledged a message, so many milliseconds after the first attempt to write it. */
  acknowledged: (ms: number) => void;
  /** Whose JWT it is; `undefined`: this gateway accepts none. */
  verify: CallerChecks['verify'];
}

type ClusterSettings = NonNullable<Config['cluster']>;

interface Member {
  name: string;
  nats: OpenNats;
  options: ClusterOptions;
  logger: Logger;
}

/** @throws the error of NATS where it can't be reached, or does not allow what the role needs. */
export async function openCluster(
  config: Config,
  cluster: ClusterSettings,
  logger: Logger,
  tuning: ClusterTuning,
): Promise<Core> {
  const name = cluster.member ?? `${hostname()}:${process.pid}`;
  const { servers, credsFile, tls, role } = cluster;
  const options = { ...CLUSTER_DEFAULTS, ...tuning.cluster };
  const connect = (): Promise<OpenNats> =>
    openNats({ servers, credsFile, tls, name: `qmp-gateway ${name}` }, cluster.name).catch(unreachable);
  const nats = await untilDone(connect, 'NATS can not be reached yet: it is tried again', options, logger);
  const member: Member = { name, nats, logger, options };
  try {
    const owned = role === 'edge' ? undefined : await openOwner(member, config, cluster, tuning);
    const edge = role === 'owner' ? undefined : await openEdge(member, { ...config.limits.log, ...tuning.log });
    nats.watch({
      changed: (isConnected) => {
        if (!isConnected) return logger.warn('the connection to NATS is lost');
        logger.info('NATS is back');
        owned?.owner.wake();
      },
      refused: (what) => logger.error({ what }, 'NATS does not allow this member what its role needs'),
      rejected: (why) => logger.error({ why }, 'NATS refuses the connection of this member: it is tried again'),
    });
    logger.info({ member: name, role, cluster: cluster.name }, 'the gateway is a member of a cluster');
    const { replicas } = cluster;
    return {
      ...coreOf(member, role, owned, edge),
      positions: edge && ((saveMs) => positionsOf(member, replicas, saveMs)),
    };
  } catch (error) {
    await nats.close();
    throw error;
  }
}

/** Credentials that are refused stay so. */
function unreachable(error: Error): never {
  const isFinal = /authorization|credentials|not installed/i.test(error.message);
  throw isFinal
    ? new Final(error.message, { cause: error })
    : new Error(`NATS can not be reached: ${error.message}`, { cause: error });
}

/** What this member is not allowed, another is. */
function forbidden(error: Error): never {
  throw isForbidden(error) ? new Final(error.message, { cause: error }) : error;
}

/** An error after which nothing is tried again. */
class Final extends Error {}

/** Answers what `cluster status` asks. */
function answerStatus(
  { name, nats }: Member,
  role: ClusterSettings['role'],
  owned: Owned | undefined,
  edge: Edge | undefined,
  served: () => Served,
): () => void {
  const since = new Date(CLOCK.date()).toISOString();
  return nats.bus.subscribe(nats.subjects.status, (_body, _subject, reply) => {
    const states = new Map(owned?.jobs.view.sources().map((source) => [source.name, source.state]));
    const sources = owned?.owner.status().map(({ name: source, isOwned, waitingBytes }) => ({
      ...{ name: source, waitingBytes },
      state: isOwned ? (states.get(source) ?? 'connecting') : 'standby',
    }));
    reply?.({
      ...{ v: 1, member: name, role, version: VERSION, pid: process.pid, since, sources: sources ?? [] },
      edge: edge ? { head: edge.log.head, lagMs: Math.round(edge.log.lagMs), ...saidOf(served()) } : null,
    } satisfies MemberStatus);
  });
}

function saidOf({ connections, url, webhooks }: Served): Pick<EdgeStatus, 'connections' | 'url' | 'webhooks'> {
  return {
    connections,
    url,
    webhooks: webhooks.map(({ name, isPosting, lagSeconds }) => ({ name, isPosting, lagSeconds })),
  };
}

/** The stream is the log on the disk of a cluster, so the limits of that are its own. */
function streamLimits({ limits: { disk } }: Config, { replicas }: ClusterSettings): StreamLimits {
  const { maxBytes = STREAM_LIMITS.maxBytes, ageMs = STREAM_LIMITS.maxAgeMs } = disk;
  return { maxBytes, maxAgeMs: ageMs, replicas };
}

interface Owned {
  owner: Owner;
  jobs: Jobs;
}

async function openOwner(
  { name, nats, options, logger }: Member,
  config: Config,
  cluster: ClusterSettings,
  { track, acknowledged, verify }: ClusterTuning,
): Promise<Owned> {
  const limits = streamLimits(config, cluster);
  const ensure = (): Promise<void> => nats.ensure(CLOCK.token(4), limits);
  await untilDone(ensure, 'the stream can not be made yet: it is tried again', options, logger);
  const fence = await untilDone(() => nats.stream.fence(), 'the stream can not be read yet', options, logger);
  if (!fence.isSure) logger.warn({ nats: fence.version, since: FENCED_SINCE }, UNFENCED);
  const open = (): Promise<Locks> => nats.locks(options.ttlMs, limits.replicas);
  const locks = await untilDone(open, 'the bucket of locks can not be made yet: it is tried again', options, logger);
  await makeWebhookBuckets({ name, nats, options, logger }, limits.replicas);
  const owner = new Owner({
    ...{ member: name, stream: nats.stream, bus: nats.bus, subjects: nats.subjects, clock: CLOCK, options, logger },
    locks,
    acknowledged,
    callers: { verify, requiresJwt: cluster.requiresJwt },
    ensure,
  });
  const jobs = openJobs({ journalOf: (source) => owner.journalOf(source), logger, track });
  jobs.follow(owner);
  owner.begin(jobs);
  return { owner, jobs };
}

const UNFENCED =
  'this version of NATS may take messages of two owners of one source that come at once, as after a cut: use a newer one';

/** Edges use them, and are not allowed to make a stream of JetStream. */
async function makeWebhookBuckets({ nats, options, logger }: Member, replicas: number): Promise<void> {
  const make = (): Promise<unknown> => nats.webhooks(options.ttlMs, replicas).catch(forbidden);
  try {
    await untilDone(make, 'the buckets of webhooks can not be made yet: it is tried again', options, logger);
  } catch (err) {
    logger.warn({ err }, 'the buckets of webhooks can not be made: edges post none until another owner has made them');
  }
}

/** Servers that start together elect the leader of a stream for some seconds, and answer nothing meanwhile. */
async function untilDone<Value>(
  attempt: () => Promise<Value>,
  message: string,
  { retryMs, startMs }: ClusterOptions,
  logger: Logger,
): Promise<Value> {
  const until = CLOCK.now() + startMs;
  let logged: string | undefined;
  for (;;)
    try {
      return await attempt();
    } catch (err) {
      if (err instanceof Final || CLOCK.now() > until) throw err;
      // One line a reason, not one an attempt.
      if (logged !== String(err)) logger.warn({ err }, message);
      logged = String(err);
      await new Promise<void>((resume) => CLOCK.after(retryMs, resume));
    }
}

async function openEdge({ name, nats, options, logger }: Member, limits: Partial<LogLimits>): Promise<Edge> {
  const edge = new Edge({
    ...{ member: name, stream: nats.stream, bus: nats.bus, subjects: nats.subjects, clock: CLOCK, options, limits },
    listener: {
      failing: (err) => {
        if (err === undefined) logger.info('the stream is read again');
        else logger.warn({ err }, 'the stream can not be read: it is tried again');
      },
      malformed: (source, err) =>
        logger.error(
          { source, err },
          'messages of the source are not what an owner of this version writes: its state is as before them',
        ),
    },
  });
  await edge.open();
  return edge;
}

function positionsOf({ name, nats, options, logger }: Member, replicas: number, saveMs: number): SharedPositions {
  const { ttlMs, letGoMs, retryMs } = options;
  const buckets = (): Promise<WebhookBuckets> => nats.webhooks(ttlMs, replicas);
  return new SharedPositions({ member: name, buckets, clock: CLOCK, ttlMs, letGoMs, retryMs, saveMs, logger });
}

function countsOf({ options }: Member, owned: Owned | undefined, edge: Edge | undefined): ClusterReaders {
  const ofOwner = (owner: Owner): ReturnType<NonNullable<ClusterReaders['owner']>> => {
    const sources = owner.status();
    const waiting = sources.map(({ waitingBytes }) => waitingBytes);
    const count = sources.filter(({ isOwned }) => isOwned).length;
    return {
      ...owner.counts,
      ...{ owned: count, standby: sources.length - count, maxWaitingBytes: options.writer.maxWaitingBytes },
      waitingBytes: waiting.reduce((sum, bytes) => sum + bytes, 0),
      largestWaitingBytes: Math.max(0, ...waiting),
    };
  };
  return {
    owner: owned && (() => ofOwner(owned.owner)),
    edge: edge && (() => ({ filled: edge.log.filled, lagMs: edge.log.lagMs })),
  };
}

/** An edge has no connection that a tool could use. */
const NO_SOURCES: Core['shared'] = { begin: () => ({ written: () => undefined, replied: () => undefined }) };

function coreOf(member: Member, role: ClusterSettings['role'], owned: Owned | undefined, edge: Edge | undefined): Core {
  const { nats } = member;
  let served = (): Served => ({ connections: 0, url: '', webhooks: [] });
  answerStatus(member, role, owned, edge, () => served());
  const core = edge ?? owned?.jobs;
  if (!core) throw new Error('a member is an owner or an edge');
  let handedOver = Promise.resolve();
  return {
    log: edge?.log ?? new MemoryLog(),
    failed: new Promise(() => undefined),
    commands: core.commands,
    view: core.view,
    cluster: countsOf(member, owned, edge),
    shared: owned?.jobs.shared ?? NO_SOURCES,
    restored: () => edge?.settled() ?? [],
    startOf: (source, job) => edge?.startOf(source, job),
    ended$: edge?.ended$ ?? EMPTY,
    follow: (provider) => owned?.owner.follow(provider) ?? new Subscription(),
    serving: (read) => {
      served = read;
    },
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
