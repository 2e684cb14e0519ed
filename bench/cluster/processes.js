// The processes of one cluster on loopback: servers of NATS, gateways, and the loads beside them. All of them end with the rig that began them.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** BENCH_DIST: another build, for before and after. */
export const DIST = process.env.BENCH_DIST ?? new URL('../../dist', import.meta.url).pathname;
const main = join(DIST, 'cli/main.js');
export const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what, test, withinMs = 60_000) {
  for (const due = Date.now() + withinMs; ; await rest(20)) {
    const value = await test();
    if (value) return value;
    if (Date.now() > due) throw new Error(`${what}: not within ${withinMs} ms`);
  }
}

/** Seconds of CPU that a process has used. */
export function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export const memoryOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;

async function freePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export class Rig {
  folder = mkdtempSync(join(tmpdir(), 'bench-cluster-'));
  children = [];
  nodes = [];

  constructor() {
    process.once('exit', () => this.#kill());
  }

  /** @param count servers, 1 or 3. */
  async nats(count) {
    const routes = await Promise.all(Array.from({ length: count }, freePort));
    const all = routes.map((port) => `nats://127.0.0.1:${port}`).join(',');
    for (const [n, route] of routes.entries()) {
      const [port, http] = [await freePort(), await freePort()];
      const own = [
        '-js',
        '-a',
        '127.0.0.1',
        '-p',
        port,
        '-m',
        http,
        '-n',
        `n${n}`,
        '-sd',
        join(this.folder, `nats${n}`),
      ];
      const cluster = ['--cluster_name', 'bench', '--cluster', `nats://127.0.0.1:${route}`, '--routes', all];
      const args = [...own, ...(count > 1 ? cluster : [])].map(String);
      this.nodes.push({
        url: `nats://127.0.0.1:${port}`,
        http,
        child: this.#begin(spawn('nats-server', args, { stdio: 'ignore' })),
      });
    }
    for (const { http } of this.nodes)
      await until('NATS', () =>
        fetch(`http://127.0.0.1:${http}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
  }

  get natsFlags() {
    return [...this.nodes.flatMap(({ url }) => ['--nats', url]), '--nats-replicas', String(this.nodes.length)];
  }

  /** Bytes that the servers have sent to clients, and seconds of CPU that they have used. */
  async natsUse() {
    let [bytes, cpu] = [0, 0];
    for (const { http, child } of this.nodes) {
      const { out_bytes } = await (await fetch(`http://127.0.0.1:${http}/varz`)).json();
      bytes += out_bytes;
      cpu += cpuOf(child.pid);
    }
    return { bytes, cpu };
  }

  /** Resolves when it listens. */
  async gateway(...flags) {
    const child = this.#serve('--listen', '127.0.0.1:0', ...flags);
    const ended = once(child, 'exit').then(() => ['']);
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
    const port = Number(/:(\d+)\//.exec(line)?.[1]);
    if (!port) throw new Error(`a gateway ended: ${flags.join(' ')}`);
    return { child, pid: child.pid, port };
  }

  /** Resolves at once. */
  async owner(name, ...flags) {
    const child = this.#serve('--role', 'owner', '--member', name, ...this.natsFlags, ...flags);
    child.stdout.resume();
    return { child, pid: child.pid };
  }

  edge(name, ...flags) {
    return this.gateway('--role', 'edge', '--member', name, ...this.natsFlags, ...flags);
  }

  /** @param file beside this one. @returns what orders it: an order is answered once. */
  async load(file, ...args) {
    const child = this.#begin(fork(new URL(file, import.meta.url), args.map(String), { stdio: 'inherit' }));
    await once(child, 'message');
    return async (kind, order = {}) => {
      const answered = once(child, 'message');
      child.send({ kind, ...order });
      return (await answered)[0];
    };
  }

  /** @returns flags that name the monitors of `monitors.js` as sources. */
  sources(count) {
    return Array.from({ length: count }, (_, at) => ['--source', `vm${at}=unix:${this.folder}/vm${at}`]).flat();
  }

  /** Until a gateway has them all. */
  isUp({ port }, count) {
    return until(`${count} sources`, async () => {
      const { sources } = await (await fetch(`http://127.0.0.1:${port}/v1/sources`)).json();
      return sources.filter(({ state }) => state === 'up').length === count;
    });
  }

  async close() {
    this.#kill();
    await rest(100);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #serve(...flags) {
    const args = [main, 'serve', '--log-level', 'fatal', ...flags];
    return this.#begin(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  }

  #begin(child) {
    this.children.push(child);
    return child;
  }

  #kill() {
    for (const child of this.children) child.kill('SIGKILL');
  }
}
