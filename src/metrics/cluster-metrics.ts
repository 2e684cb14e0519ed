// A member of a cluster: what an owner writes into the stream, and how far an edge is behind it.
import type { Families, Sample } from './families.js';

export interface OwnerCounts {
  /** Sources by how they are held. */
  owned: number;
  standby: number;
  /** Bytes of entries that the stream has not acknowledged: of all sources, of the source with the most, and the bound for each source. */
  waitingBytes: number;
  largestWaitingBytes: number;
  maxWaitingBytes: number;
  fenced: number;
  dropped: number;
  takeovers: number;
}

export interface EdgeCounts {
  filled: number;
  lagMs: number;
}

/** `undefined`: the member has no such part, and no metric of it. */
export interface ClusterReaders {
  owner: (() => OwnerCounts) | undefined;
  edge: (() => EdgeCounts) | undefined;
}

/** @returns to be called for each message that the stream has acknowledged, with milliseconds. */
export function openClusterMetrics(families: Families, { owner, edge }: ClusterReaders): (ms: number) => void {
  if (edge) openEdgeMetrics(families, edge);
  return owner ? openOwnerMetrics(families, owner) : () => undefined;
}

function openEdgeMetrics(families: Families, read: () => EdgeCounts): void {
  families.count(
    'cluster_filled_messages_total',
    'Messages of the stream that NATS did not deliver by itself, and that the edge has read',
    () => read().filled,
  );
  families.gauge(
    'cluster_fold_lag_seconds',
    'Time since the edge last knew that it has every message of the stream',
    () => read().lagMs / 1_000,
  );
}

function openOwnerMetrics(families: Families, read: () => OwnerCounts): (ms: number) => void {
  families.gauges('cluster_sources', 'Sources that the owner has, or would take over', ['state'], (): Sample[] => {
    const { owned, standby } = read();
    return [
      [{ state: 'owned' }, owned],
      [{ state: 'standby' }, standby],
    ];
  });
  families.gauge(
    'cluster_waiting_bytes',
    'Bytes of entries of all sources that the stream has not acknowledged',
    () => read().waitingBytes,
  );
  families.gauge(
    'cluster_waiting_bytes_largest',
    'Of these, the bytes of the source with the most',
    () => read().largestWaitingBytes,
  );
  families.gauge(
    'cluster_waiting_bytes_limit',
    'Bytes of one source beyond which its entries are dropped',
    () => read().maxWaitingBytes,
  );
  families.count(
    'cluster_fenced_total',
    'Times that the stream refused a message, since another member had written for its source',
    () => read().fenced,
  );
  families.count(
    'cluster_dropped_entries_total',
    'Entries that were dropped, since the stream took none for too long',
    () => read().dropped,
  );
  families.count('cluster_takeovers_total', 'Sources that this member took over from another', () => read().takeovers);
  const appends = families
    .histogram(
      'cluster_append_duration_seconds',
      'From the first attempt to write a message into the stream to its acknowledgement',
    )
    .of();
  return (ms) => appends.observe(ms / 1_000);
}
