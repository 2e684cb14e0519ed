// How a cluster is: what each member answers, and what NATS says of the stream.
import type { StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  codeOf,
  connectNats,
  isFenceSure,
  loadNats,
  type NatsServers,
  STREAM_NOT_FOUND,
  subjectsOf,
} from '../nats/index.js';

export interface MemberStatus {
  v: 1;
  member: string;
  role: 'owner' | 'edge' | 'both';
  version: string;
  pid: number;
  /** When it began, in ISO 8601. */
  since: string;
  sources: readonly { name: string; state: string; waitingBytes: number }[];
  edge: EdgeStatus | null;
}

export interface EdgeStatus {
  head: number;
  lagMs: number;
  connections: number;
  url: string;
  /** Those of its settings. */
  webhooks: readonly WebhookStatus[];
}

export interface WebhookStatus {
  name: string;
  /** Whether this edge posts it. */
  isPosting: boolean;
  /** Age of the oldest entry that it has not delivered, in seconds. */
  lagSeconds: number;
}

export interface StreamStatus {
  name: string;
  messages: number;
  bytes: number;
  /** Sequence numbers of messages; the first is greater than the last in an empty stream. */
  first: number;
  last: number;
  /** The server that takes its messages; `null`: none, so that nothing can be appended now. */
  leader: string | null;
  /** The other servers that keep it, and how many messages each has yet to get. */
  replicas: readonly { name: string; isCurrent: boolean; lag: number }[];
  /** Of the server that answered. */
  version: string | null;
  /** Whether that version takes a message of one of two owners alone where both write at once. */
  isFenced: boolean;
}

export interface ClusterStatus {
  cluster: string;
  /** By name. */
  members: readonly MemberStatus[];
  stream: StreamStatus;
}

/**
 * `unreachable`: no server of NATS answers. `refused`: NATS does not permit it. `jetstream`: it is off there, or does not answer.
 * `stream`: there is none of that name.
 */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly kind: 'unreachable' | 'refused' | 'jetstream' | 'stream';

  constructor(kind: StatusError['kind'], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.kind = kind;
  }
}

/** Answers go to subjects of their own, so that this needs no permission to see those to others. */
const INBOX = '_INBOX_status';

/** @param waitMs milliseconds for which members may answer. @throws {StatusError} */
export async function collectStatus(
  servers: Omit<NatsServers, 'name' | 'inboxPrefix'>,
  cluster: string,
  waitMs: number,
): Promise<ClusterStatus> {
  const { errors } = await loadNats(() => import('@nats-io/transport-node'));
  const isRefusal = (error: unknown): boolean =>
    [errors.AuthorizationError, errors.UserAuthenticationExpiredError, errors.PermissionViolationError].some(
      (kind) => error instanceof kind || (error as Error | undefined)?.cause instanceof kind,
    );
  const as =
    (kind: StatusError['kind']) =>
    (error: unknown): never => {
      throw error instanceof StatusError ? error : new StatusError(isRefusal(error) ? 'refused' : kind, error);
    };
  const connection = await connectNats({ ...servers, name: 'qmp-gateway cluster status', inboxPrefix: INBOX }).catch(
    as('unreachable'),
  );
  try {
    const [members, stream] = await Promise.all([
      askMembers(connection, cluster, waitMs).catch(as('unreachable')),
      readStream(connection, cluster).catch(as('jetstream')),
    ]);
    return { cluster, members, stream };
  } finally {
    await connection.close();
  }
}

async function askMembers(connection: NatsConnection, cluster: string, waitMs: number): Promise<MemberStatus[]> {
  const { errors } = await loadNats(() => import('@nats-io/transport-node'));
  const members = new Map<string, MemberStatus>();
  try {
    const options = { strategy: 'timer', maxWait: waitMs } as const;
    for await (const answer of await connection.requestMany(subjectsOf(cluster).status, '{"v":1}', options)) {
      const member = parseMember(answer.string());
      if (member) members.set(member.member, member);
    }
  } catch (error) {
    const isNobody = [error, (error as Error).cause].some((each) => each instanceof errors.NoRespondersError);
    if (!isNobody) throw error;
  }
  return [...members.values()].sort((a, b) => (a.member < b.member ? -1 : 1));
}

/** `undefined`: of another version, or none. */
export function parseMember(text: string): MemberStatus | undefined {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { v, member, role, version, pid, since, sources, edge } = (said ?? {}) as Partial<MemberStatus>;
  if (v !== 1 || typeof member !== 'string' || !['owner', 'edge', 'both'].includes(role ?? '')) return undefined;
  return {
    v,
    member,
    role: role as MemberStatus['role'],
    version: String(version ?? ''),
    pid: Number(pid),
    since: String(since ?? ''),
    sources: (Array.isArray(sources) ? sources : []).map((source: Partial<MemberStatus['sources'][number]> | null) => ({
      name: String(source?.name),
      state: String(source?.state),
      waitingBytes: Number(source?.waitingBytes),
    })),
    edge: edge ? readEdge(edge) : null,
  };
}

/** A member before webhooks were shared says nothing of them. */
function readEdge({ head, lagMs, connections, url, webhooks }: Partial<EdgeStatus>): EdgeStatus {
  const posts = (Array.isArray(webhooks) ? webhooks : []) as readonly (Partial<WebhookStatus> | null)[];
  return {
    head: Number(head),
    lagMs: Number(lagMs),
    connections: Number(connections),
    url: String(url ?? ''),
    webhooks: posts.map((each) => ({
      name: String(each?.name),
      isPosting: each?.isPosting === true,
      lagSeconds: Number(each?.lagSeconds),
    })),
  };
}

async function readStream(connection: NatsConnection, cluster: string): Promise<StreamStatus> {
  const { jetstreamManager } = await loadNats(() => import('@nats-io/jetstream'));
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const {
    config,
    state,
    cluster: servers,
  } = await manager.streams.info(subjectsOf(cluster).stream).catch((error: unknown) => {
    if (codeOf(error) === STREAM_NOT_FOUND) throw new StatusError('stream', error);
    throw error;
  });
  return {
    name: config.name,
    messages: state.messages,
    bytes: state.bytes,
    first: state.first_seq,
    last: state.last_seq,
    ...placesOf(servers, connection),
    version: connection.info?.version ?? null,
    isFenced: isFenceSure(connection.info?.version, config.num_replicas),
  };
}

/** A server that is part of no cluster of servers says nothing of places: it alone has the stream. */
function placesOf(
  servers: StreamInfo['cluster'] | undefined,
  connection: NatsConnection,
): Pick<StreamStatus, 'leader' | 'replicas'> {
  if (!servers?.name) return { leader: servers?.leader ?? connection.info?.server_name ?? null, replicas: [] };
  const replicas = (servers.replicas ?? []).map(({ name, current, lag = 0 }) => ({ name, isCurrent: current, lag }));
  return { leader: servers.leader || null, replicas };
}
