// The cluster under test: three NATS nodes, owners with the same sources, edges, and a line between each member and NATS that can be cut.
import type { NatsConnection } from '@nats-io/transport-node';
import type { SourceInfo } from '../../src/protocol/index.js';
import { freePort } from '../support/free-port.js';
import { Nats } from '../support/nats.js';
import { Hop } from './hop.js';
import { Member } from './processes.js';

export const NAME = 'chaos';

export interface ClusterOptions {
  /** The built `dist/cli/main.js`. */
  main: string;
  /** `--source` of each owner. */
  sources: Readonly<Record<string, string>>;
  logLevel: string;
  /** A folder for a file with all that each member says. */
  logs: string | undefined;
  owners: number;
  edges: number;
}

/** A member, and its lines to each node of NATS. */
export interface Node {
  member: Member;
  lines: readonly Hop[];
  /** A fault of it is going on. */
  isBusy: boolean;
}

export interface EdgeNode extends Node {
  port: number;
}

export class Cluster {
  readonly nats: Nats;
  readonly client: NatsConnection;
  readonly owners: Node[] = [];
  readonly edges: EdgeNode[] = [];

  private constructor(nats: Nats, client: NatsConnection) {
    this.nats = nats;
    this.client = client;
  }

  /** Nothing of it but NATS runs yet. */
  static async open({ main, sources, logLevel, logs, owners, edges }: ClusterOptions): Promise<Cluster> {
    const nats = await Nats.start(3);
    const cluster = new Cluster(nats, await nats.connect());
    const given = Object.entries(sources).flatMap(([name, uri]) => ['--source', `${name}=${uri}`]);
    const flags = ['--log-level', logLevel];
    for (let n = 1; n <= owners; n += 1)
      cluster.owners.push(await cluster.#node(`o${n}`, main, [...flags, '--role', 'owner', ...given], logs));
    for (let n = 1; n <= edges; n += 1) {
      const port = await freePort();
      const own = [...flags, '--role', 'edge', '--listen', `127.0.0.1:${port}`];
      const node = await cluster.#node(`e${n}`, main, own, logs);
      cluster.edges.push({ ...node, port });
    }
    return cluster;
  }

  get nodes(): Node[] {
    return [...this.owners, ...this.edges];
  }

  get edgePorts(): number[] {
    return this.edges.map(({ port }) => port);
  }

  /** Which edges do not say that every source is up, and what they say. */
  async notUp(sources: number): Promise<string[]> {
    const all = await Promise.all(
      this.edges.map(async ({ port, member }) => {
        const answer = await this.#ask<{ sources: SourceInfo[] }>(port, 'source.list');
        const down = answer?.sources.filter(({ state }) => state !== 'up') ?? [];
        if (answer && down.length === 0 && answer.sources.length === sources) return [];
        const each = down.map(({ name, state, reason }) => `${name} ${state} ${reason ?? ''}`.trim());
        return [
          `${member.name} ${answer ? `shows ${answer.sources.length} sources: ${each.join(', ')}` : 'does not answer'}`,
        ];
      }),
    );
    return all.flat();
  }

  /** The epoch that edges name. */
  async epoch(): Promise<string | undefined> {
    for (const { port } of this.edges) {
      const info = await this.#ask<{ epoch: string }>(port, 'server.info');
      if (info) return info.epoch;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(({ member }) => member.stop('SIGKILL')));
    for (const { lines } of this.nodes) for (const line of lines) line.close();
    await this.client.close().catch(() => undefined);
    await this.nats.close();
  }

  async #node(name: string, main: string, flags: readonly string[], logs: string | undefined): Promise<Node> {
    const lines = await Promise.all(this.nats.ports.map((port) => Hop.open([port])));
    const servers = lines.flatMap(({ port }) => ['--nats', `nats://127.0.0.1:${port}`]);
    const all = [...flags, '--cluster', NAME, '--nats-replicas', '3', ...servers];
    const member = new Member(name, main, all, logs);
    return { member, lines, isBusy: false };
  }

  async #ask<Result>(port: number, method: string): Promise<Result | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/v1/rpc`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} }),
        signal: AbortSignal.timeout(2_000),
      });
      return ((await response.json()) as { result?: Result }).result;
    } catch {
      return undefined;
    }
  }
}
