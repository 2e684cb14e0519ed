// `npm run long`: what takes longer than `.ci/run`. Chaos over several seeds, of a gateway and of a cluster; a gateway that is killed 200 times; thousands of half-open connections, and floods of requests by a process of
// their own, against the delays of a subscriber that behaves. One line for each result; exit 1 where one is not met.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { GatewayProcess } from '../chaos/gateway-process.js';
import { freePort } from '../support/free-port.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    /** Of chaos, for each seed. */
    minutes: { type: 'string', default: '3' },
    /** Of a gateway with its log on disk. */
    kills: { type: 'string', default: '200' },
    /** Of each kind, to a cluster, for each seed. */
    cluster: { type: 'string', default: '20' },
    /** Connections that are opened and send half a request. */
    connections: { type: 'string', default: '5000' },
    /** Events that are measured under each attack. */
    events: { type: 'string', default: '1000' },
    /** Of a process that floods this gateway until it is killed. */
    flood: { type: 'string' },
  },
});

/** 99 of 100 events must arrive within so many milliseconds, or within twice the time without the attack. */
const BOUND_MS = 100;

let failures = 0;
function result(isMet: boolean, text: string): void {
  if (!isMet) failures += 1;
  console.log(`${isMet ? 'met    ' : 'NOT MET'} ${text}`);
}

const ended = async (child: ChildProcess): Promise<number | null> => {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
};

const chaos = (seed: string): Promise<void> =>
  tried(`chaos, seed ${seed}, ${values.minutes} min`, ['chaos.mjs', '--seed', seed, '--minutes', values.minutes]);
const crash = (seed: string): Promise<void> =>
  tried(`${values.kills} kills, seed ${seed}`, ['crash.mjs', '--seed', seed, '--kills', values.kills]);

const cluster = (seed: string): Promise<void> =>
  tried(`cluster, seed ${seed}, ${values.cluster} faults of each kind`, [
    ...['cluster-chaos.mjs', '--seed', seed, '--kills', values.cluster],
    ...['--minutes', String(Math.max(1, Number(values.cluster) / 2))],
  ]);

/** Another program, whose last line is its verdict. */
async function tried(what: string, [program = '', ...flags]: readonly string[]): Promise<void> {
  const args = [`node_modules/.cache/${program}`, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const code = await ended(child);
  const lines = said.trimEnd().split('\n');
  if (code !== 0) console.log(said);
  result(code === 0, `${what}: ${lines.at(-1)}`);
}

/** A subscriber to all events of one source, and how long each takes to it. */
class Subscriber {
  readonly #ws: WebSocket;
  readonly #sim: Simulator;
  readonly #arrivals = new Map<number, () => void>();
  #marks = 0;

  private constructor(ws: WebSocket, sim: Simulator) {
    this.#ws = ws;
    this.#sim = sim;
    ws.on('message', (data) => {
      const { method, params } = JSON.parse(String(data));
      if (method !== 'events') return;
      for (const { data } of params.events) this.#arrivals.get(data?.mark)?.();
    });
  }

  static async open(url: string, sim: Simulator): Promise<Subscriber> {
    const ws = new WebSocket(url, 'qmp-gateway.v1');
    await once(ws, 'open');
    ws.send('{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"snapshot":false}}');
    await once(ws, 'message');
    const subscriber = new Subscriber(ws, sim);
    // The source may still be connecting: the first event that arrives says that it is up.
    await subscriber.delay(50);
    return subscriber;
  }

  /** Milliseconds from an event's cause to its arrival. @param againMs after so long the event is raised again. */
  async delay(againMs?: number): Promise<number> {
    this.#marks += 1;
    const mark = this.#marks;
    const raise = (): void => void this.#sim.faults.emit('BLOCK_WRITE_THRESHOLD', { mark });
    const arrived = new Promise<void>((go) => this.#arrivals.set(mark, go));
    const began = performance.now();
    const again = againMs === undefined ? undefined : setInterval(raise, againMs);
    raise();
    await arrived;
    clearInterval(again);
    this.#arrivals.delete(mark);
    return performance.now() - began;
  }

  async p99(count: number): Promise<number> {
    const delays: number[] = [];
    for (let n = 0; n < count; n += 1) delays.push(await this.delay());
    return delays.sort((a, b) => a - b)[Math.max(0, Math.floor(count * 0.99) - 1)] ?? 0;
  }

  close(): void {
    this.#ws.terminate();
  }
}

async function halfOpen(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(250, count - sockets.length) }, () => connect(port, '127.0.0.1'));
    for (const socket of batch) socket.on('error', () => undefined).on('data', () => undefined);
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
    for (const socket of batch) socket.write('GET /v1 HTTP/1.1\r\nHost: localhost\r\nX: ');
    sockets.push(...batch);
  }
  return sockets;
}

/** In a process of its own: eight clients that send requests and subscribes as fast as the gateway takes them, and connect again when it hangs up. */
async function flood(url: string): Promise<never> {
  const attack = async (): Promise<void> => {
    const ws = new WebSocket(url, 'qmp-gateway.v1', { perMessageDeflate: false });
    ws.on('error', () => undefined);
    const isOpen = await Promise.race([once(ws, 'open').then(() => true), once(ws, 'close').then(() => false)]);
    if (!isOpen) return;
    const closed = once(ws, 'close');
    for (let id = 1; ws.readyState === WebSocket.OPEN; id += 1) {
      const method = id % 50 === 0 ? 'subscribe' : 'job.list';
      const text = JSON.stringify({
        jsonrpc: '2.0',
        id,
        method,
        params: method === 'subscribe' ? { tag: (id % 8) + 1 } : {},
      });
      // Written to the socket before the next is made: this process never holds more than one.
      await Promise.race([new Promise((go) => ws.send(text, go)), closed]);
    }
  };
  const forever = async (): Promise<never> => {
    for (;;) await attack();
  };
  process.stdout.write('floods\n');
  return Promise.race(Array.from({ length: 8 }, forever));
}

async function attacks(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'long-'));
  const path = join(folder, 'vm1');
  const sim = await startSimulator({ listen: { path } });
  const gateway = new GatewayProcess(resolve('dist/cli/main.js'), await freePort(), { vm1: `unix:${path}` });
  await gateway.start();
  const subscriber = await Subscriber.open(gateway.url, sim);
  const events = Number(values.events);
  const judge = (name: string, calm: number, attacked: number): void =>
    result(
      attacked < Math.max(BOUND_MS, 2 * calm) && gateway.died === undefined,
      `${name}: p99 ${attacked.toFixed(1)} ms, ${calm.toFixed(1)} ms before`,
    );
  try {
    await subscriber.p99(200);
    const calm = await subscriber.p99(events);
    const sockets = await halfOpen(gateway.port, Number(values.connections));
    judge(`${sockets.length} half-open connections`, calm, await subscriber.p99(events));
    for (const socket of sockets) socket.destroy();
    const before = await subscriber.p99(events);
    const other = spawn(process.execPath, [process.argv[1] ?? '', '--flood', gateway.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    const attacked = await subscriber.p99(events);
    const isFlooding = other.exitCode === null;
    other.kill('SIGKILL');
    judge('a flood of requests by another process', before, attacked);
    result(isFlooding, 'the other process went on to flood');
    const after = await subscriber.p99(events);
    judge('afterwards', before, after);
  } finally {
    subscriber.close();
    await gateway.stop('SIGTERM');
    await sim.close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (values.flood !== undefined) await flood(values.flood);
await attacks();
const seeds = values.seeds.split(',').filter((each) => each !== '');
for (const seed of seeds) await chaos(seed);
if (Number(values.cluster) > 0) for (const seed of seeds) await cluster(seed);
if (Number(values.kills) > 0) await crash(seeds[0] ?? '1');
console.log(failures === 0 ? 'all met' : `${failures} not met`);
process.exit(failures === 0 ? 0 : 1);
