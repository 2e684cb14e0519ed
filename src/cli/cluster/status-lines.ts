// What `cluster status` prints: owners with their sources, edges, webhooks, and the stream. Pure.
import type { ClusterStatus, MemberStatus, StreamStatus } from '../../cluster/index.js';
import { formatBytes, formatDuration } from '../../protocol/words.js';
import type { Column } from '../columns.js';
import type { Times } from '../times.js';

/** Makes the lines of one table. */
export type Tabulate = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) => string[];

export function statusLines(status: ClusterStatus, times: Times, tabulate: Tabulate): string[] {
  const owners = status.members.filter(({ role }) => role !== 'edge');
  const rows = owners.flatMap((owner) =>
    // An owner that has no source yet has a row too.
    (owner.sources.length > 0 ? owner.sources : [undefined]).map((source) => ({ owner, source })),
  );
  const edges = status.members.flatMap(({ edge, ...member }) => (edge ? [{ ...member, edge }] : []));
  const webhooks = webhookRows(edges);
  return [
    ...(rows.length > 0 ? tabulate(ownerColumns(times), rows) : ['no owner answers']),
    '',
    ...(edges.length > 0 ? tabulate(edgeColumns(times), edges) : ['no edge answers']),
    '',
    ...(webhooks.length > 0 ? [...tabulate(WEBHOOK_COLUMNS, webhooks), ''] : []),
    ...tabulate(STREAM_COLUMNS, [status.stream]),
    ...(status.stream.isFenced ? [] : ['', unfenced(status.stream.version)]),
  ];
}

const unfenced = (version: string | null): string =>
  `NATS ${version} may take messages of two owners of one source that come at once: use 2.9.21 or a later one`;

/** A member may say anything. */
const sinceOf = ({ since }: { since: string }, times: Times): string =>
  times.second(Number.isNaN(Date.parse(since)) ? null : since);

interface OwnerRow {
  owner: MemberStatus;
  source: MemberStatus['sources'][number] | undefined;
}

const ownerColumns = (times: Times): Column<OwnerRow>[] => [
  { head: 'OWNER', cell: ({ owner }) => owner.member, isName: true },
  { head: 'SOURCE', cell: ({ source }) => source?.name ?? '—', isName: true },
  {
    head: 'STATE',
    cell: ({ source }) => source?.state ?? '',
    colour: ({ source }) => (source?.state === 'up' ? 'green' : source?.state === 'standby' ? 'dim' : 'red'),
  },
  {
    head: 'WAITING',
    cell: ({ source }) => (source ? formatBytes(source.waitingBytes) : ''),
    colour: ({ source }) => (source && source.waitingBytes > 0 ? 'yellow' : undefined),
    rank: 1,
  },
  { head: 'VERSION', cell: ({ owner }) => owner.version, rank: 3 },
  { head: 'SINCE', cell: ({ owner }) => sinceOf(owner, times), rank: 2 },
];

type EdgeRow = Omit<MemberStatus, 'edge'> & { edge: NonNullable<MemberStatus['edge']> };

const edgeColumns = (times: Times): Column<EdgeRow>[] => [
  { head: 'EDGE', cell: ({ member }) => member, isName: true },
  { head: 'HEAD', cell: ({ edge }) => String(edge.head), rank: 2 },
  { head: 'LAG', cell: ({ edge }) => formatDuration(edge.lagMs), colour: ({ edge }) => lagColour(edge.lagMs) },
  { head: 'CONNECTIONS', cell: ({ edge }) => String(edge.connections) },
  { head: 'URL', cell: ({ edge }) => edge.url, isName: true, rank: 1 },
  { head: 'VERSION', cell: ({ version }) => version, rank: 4 },
  { head: 'SINCE', cell: (edge) => sinceOf(edge, times), rank: 3 },
];

interface WebhookRow {
  name: string;
  poster: string | undefined;
  lagMs: number;
}

/** Webhooks of one name are one. */
function webhookRows(edges: readonly EdgeRow[]): WebhookRow[] {
  const all = edges.flatMap(({ member, edge }) => edge.webhooks.map((webhook) => ({ ...webhook, member })));
  const names = [...new Set(all.map(({ name }) => name))].sort();
  return names.map((name) => {
    const posting = all.find((each) => each.name === name && each.isPosting);
    return { name, poster: posting?.member, lagMs: (posting?.lagSeconds ?? 0) * 1_000 };
  });
}

const WEBHOOK_COLUMNS: readonly Column<WebhookRow>[] = [
  { head: 'WEBHOOK', cell: ({ name }) => name, isName: true },
  {
    head: 'POSTED BY',
    cell: ({ poster }) => poster ?? 'nobody',
    colour: ({ poster }) => (poster === undefined ? 'red' : undefined),
    isName: true,
  },
  {
    head: 'OLDEST WAITS',
    cell: ({ poster, lagMs }) => (poster === undefined ? '?' : lagMs > 0 ? formatDuration(lagMs) : '—'),
    colour: ({ lagMs }) => (lagMs > 300_000 ? 'red' : lagMs > 10_000 ? 'yellow' : undefined),
  },
];

/** An edge notices within a second that it has missed something. */
const lagColour = (lagMs: number): 'green' | 'yellow' | 'red' =>
  lagMs <= 2_000 ? 'green' : lagMs <= 10_000 ? 'yellow' : 'red';

const STREAM_COLUMNS: readonly Column<StreamStatus>[] = [
  { head: 'STREAM', cell: ({ name }) => name, isName: true },
  { head: 'MESSAGES', cell: ({ messages }) => String(messages) },
  { head: 'SIZE', cell: ({ bytes }) => formatBytes(bytes) },
  { head: 'FIRST', cell: ({ first }) => String(first), rank: 1 },
  { head: 'LAST', cell: ({ last }) => String(last), rank: 2 },
  {
    head: 'LEADER',
    cell: ({ leader }) => leader ?? 'none',
    colour: ({ leader }) => (leader === null ? 'red' : undefined),
    isName: true,
  },
  { head: 'REPLICAS', cell: ({ replicas }) => replicas.map(describeReplica).join(', ') || 'none' },
];

const describeReplica = ({ name, isCurrent, lag }: StreamStatus['replicas'][number]): string =>
  `${name} ${lag > 0 ? `${lag} behind` : isCurrent ? 'current' : 'not current'}`;
