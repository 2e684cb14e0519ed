// Carries out one fault, and says when it began and when it was over.
import { jetstreamManager } from '@nats-io/jetstream';
import { type Cluster, NAME, type Node } from './cluster.js';
import type { FaultRecord } from './record.js';
import type { Fault } from './schedule.js';
import type { StreamReader } from './stream-reader.js';

/** Milliseconds for a leader to be there, and for every node to have all of the stream. */
const LEADER_MS = 20_000;
const soon = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

/** Every member runs, every line is whole, every node of NATS runs. */
export function repair(cluster: Cluster): void {
  for (let node = 0; node < cluster.nats.ports.length; node += 1) cluster.nats.restart(node);
  for (const { member, lines } of cluster.nodes) {
    for (const line of lines) line.heal();
    member.start();
  }
}

/** @returns `undefined`: there was nobody to whom it could be done. */
export async function inflict(fault: Fault, cluster: Cluster, reader: StreamReader): Promise<FaultRecord | undefined> {
  const { kind, forMs, how } = fault;
  if (kind === 'leader-kill') return killLeader(cluster, forMs);
  if (kind === 'stream-delete') return deleteStream(cluster, reader);
  const nodes: readonly Node[] = kind.startsWith('owner') ? cluster.owners : cluster.edges;
  const free = nodes.filter(({ member, isBusy }) => member.isRunning && !isBusy);
  const node = free[fault.target % Math.max(1, free.length)];
  if (!node) return undefined;
  const { member, lines } = node;
  node.isBusy = true;
  const from = Date.now();
  if (kind === 'owner-cut' || kind === 'edge-cut') {
    for (const line of lines) how === 'cut' ? line.cut() : line.freeze();
    await soon(forMs);
    for (const line of lines) line.heal();
  } else {
    await member.stop(kind === 'owner-term' ? 'SIGTERM' : 'SIGKILL');
    await soon(forMs);
    member.start();
  }
  node.isBusy = false;
  return { kind, target: member.name, from, to: Date.now() };
}

/** While every node is there and has all of the stream. */
async function wholeLeader({ nats }: Cluster): Promise<number | undefined> {
  let leader: number | undefined;
  for (const due = Date.now() + LEADER_MS; leader === undefined; await soon(200)) {
    if (nats.live.length === nats.ports.length) leader = await nats.leader(NAME);
    if (Date.now() > due) return undefined;
  }
  return leader;
}

/** Three copies bear the loss of one node. With a second one away, or behind since it was, nothing is written, or NATS loses what it has acknowledged. */
async function killLeader(cluster: Cluster, forMs: number): Promise<FaultRecord | undefined> {
  const { nats } = cluster;
  const leader = await wholeLeader(cluster);
  if (leader === undefined) return undefined;
  const from = Date.now();
  await nats.kill(leader);
  await soon(forMs);
  nats.restart(leader);
  return { kind: 'leader-kill', target: `n${leader}`, from, to: Date.now() };
}

/** A node that was away meanwhile comes back with the deleted stream, and may have NATS take it for the new one. */
async function deleteStream(cluster: Cluster, reader: StreamReader): Promise<FaultRecord | undefined> {
  if ((await wholeLeader(cluster)) === undefined) return undefined;
  const epoch = await cluster.epoch();
  if (epoch === undefined) return undefined;
  await reader.read(epoch);
  const from = Date.now();
  const manager = await jetstreamManager(cluster.client, { timeout: 5_000 });
  await manager.streams.delete(NAME);
  reader.finish();
  return { kind: 'stream-delete', target: NAME, from, to: Date.now() };
}
