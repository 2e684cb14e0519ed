// NATS servers with JetStream in processes of their own, on free ports, with their stores in a temporary folder: one, or three that form a cluster.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { freePort } from './free-port.js';
import { have } from './required.js';

/** Whether the program is installed; throws where it is not and `REQUIRE_NATS` is 1. */
export const haveNats = (): boolean => have('nats-server', 'REQUIRE_NATS');

/** Milliseconds in which a server, or the vote for a leader, must have come. */
const READY_MS = 30_000;
/** Milliseconds after which all are started once more: servers that start at one time may not know of one another for minutes. */
const AGAIN_MS = 10_000;
const soon = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

interface Node {
  readonly name: string;
  readonly port: number;
  readonly flags: readonly string[];
  child: ChildProcess | undefined;
  said: string;
}

export class Nats {
  readonly #nodes: readonly Node[];
  readonly #folder: string;

  private constructor(nodes: readonly Node[], folder: string) {
    this.#nodes = nodes;
    this.#folder = folder;
  }

  /** @param count 1 or 3. Resolves when a stream can have a copy on each. */
  static async start(count: 1 | 3 = 1): Promise<Nats> {
    const folder = await mkdtemp(join(tmpdir(), 'nats-'));
    const routePorts: number[] = [];
    for (let n = 0; n < count; n += 1) routePorts.push(await freePort());
    const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`);
    const nodes: Node[] = [];
    for (const [n, route] of routes.entries()) {
      const name = `n${n}`;
      const port = await freePort();
      const own = ['-js', '-a', '127.0.0.1', '-p', String(port), '-n', name, '-sd', join(folder, name)];
      // Clients are told of no other server, so that a connection through a hop stays behind it.
      const cluster = ['--cluster_name', 'test', '--cluster', route, '--routes', routes.join(','), '--no_advertise'];
      nodes.push({ name, port, flags: [...own, ...(count > 1 ? cluster : [])], child: undefined, said: '' });
    }
    const nats = new Nats(nodes, folder);
    for (const node of nodes.keys()) nats.#spawn(node);
    try {
      await nats.#ready();
      return nats;
    } catch (error) {
      await nats.close();
      throw error;
    }
  }

  get urls(): string[] {
    return this.#nodes.map(({ port }) => `nats://127.0.0.1:${port}`);
  }

  get ports(): number[] {
    return this.#nodes.map(({ port }) => port);
  }

  /** Numbers of the nodes that run. */
  get live(): number[] {
    return [...this.#nodes.keys()].filter((node) => this.#nodes[node]?.child !== undefined);
  }

  /** Of each node: its name, how it ended where nobody ended it, and the last it said. */
  get reports(): string[] {
    return this.#nodes.map(({ name, child, said }) => {
      const end = child?.exitCode ?? child?.signalCode;
      return `${name}${end === undefined || end === null ? '' : `, which ended by itself (${end})`}: ${said.slice(-1_000)}`;
    });
  }

  /** A client of all nodes, which the caller closes. */
  connect(): Promise<NatsConnection> {
    return connect({ servers: this.urls, maxReconnectAttempts: -1, reconnectTimeWait: 100, waitOnFirstConnect: true });
  }

  /** With SIGKILL. Resolves when the process has ended. */
  async kill(node: number): Promise<void> {
    const each = this.#nodes[node];
    const child = each?.child;
    if (!each || !child) return;
    each.child = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Of a node that does not run: its store is as it is now when it is {@link goBack}. */
  async keep(node: number): Promise<void> {
    await cp(this.#store(node), `${this.#store(node)}.kept`, { recursive: true });
  }

  /** Of a node that does not run: it has lost all that it wrote since it was kept, as a disk that had not been synced. */
  async goBack(node: number): Promise<void> {
    await rm(this.#store(node), { recursive: true });
    await cp(`${this.#store(node)}.kept`, this.#store(node), { recursive: true });
  }

  #store(node: number): string {
    return join(this.#folder, `n${node}`);
  }

  /** With the store that it had. Resolves when it has been spawned. */
  restart(node: number): void {
    if (!this.#nodes[node]?.child) this.#spawn(node);
  }

  /** The node that leads the stream now; `undefined` while there is none, no such stream, or a node that is behind with its copy. */
  async leader(stream: string): Promise<number | undefined> {
    if (this.#nodes.length === 1) return 0;
    const client = await this.connect();
    try {
      const manager = await jetstreamManager(client, { timeout: 2_000, checkAPI: false });
      const { cluster } = await manager.streams.info(stream);
      const whole = cluster?.replicas?.filter(({ current, offline }) => current && !offline) ?? [];
      if (whole.length < this.#nodes.length - 1) return undefined;
      const node = this.#nodes.findIndex(({ name }) => name === cluster?.leader);
      return node < 0 ? undefined : node;
    } catch {
      return undefined;
    } finally {
      await client.close();
    }
  }

  /** Ends all nodes and removes their stores. */
  async close(): Promise<void> {
    await Promise.all([...this.#nodes.keys()].map((node) => this.kill(node)));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #spawn(node: number): void {
    const each = this.#nodes[node];
    if (!each) throw new Error(`there is no node ${node}`);
    const child = spawn('nats-server', [...each.flags], { stdio: ['ignore', 'ignore', 'pipe'] });
    each.child = child;
    child.stderr?.on('data', (chunk) => {
      each.said = (each.said + String(chunk)).slice(-4_000);
    });
  }

  /** Whether a stream with a copy on every node can be made: JetStream answers before its leader knows of the others. */
  async #places(client: NatsConnection): Promise<boolean> {
    const name = 'placed';
    try {
      const { streams } = await jetstreamManager(client, { timeout: 1_000 });
      await streams.add({ name, subjects: [name], storage: StorageType.Memory, num_replicas: this.#nodes.length });
      return await streams.delete(name);
    } catch {
      return false;
    }
  }

  async #ready(): Promise<void> {
    const client = await this.connect();
    try {
      const begun = Date.now();
      for (let due = begun + READY_MS, again = begun + AGAIN_MS; ; await soon(100)) {
        if (await this.#places(client)) return;
        if (Date.now() > again) {
          console.warn('JetStream knows too few of its servers: they are started again');
          for (const node of this.#nodes.keys()) await this.kill(node);
          for (const node of this.#nodes.keys()) this.restart(node);
          [due, again] = [Date.now() + READY_MS, Number.POSITIVE_INFINITY];
        }
        if (Date.now() > due) throw new Error(`JetStream did not start: ${this.#nodes.map(({ said }) => said)}`);
      }
    } finally {
      await client.close();
    }
  }
}
