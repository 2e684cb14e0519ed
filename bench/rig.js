// One server with its load, each on its own core. In: what to start. Out: commands to the load, answers as objects, and an end.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

process.setMaxListeners(0);
const here = fileURLToPath(new URL('.', import.meta.url));
/** Bytes of one event, as it is fed; the gateway's own entry of the same event is as long within a few bytes. */
export const EVENT_BYTES = { peer: 217, gateway: 180 };
const SERVER_CORE = '0';
const LOAD_CORE = String(Math.min(1, cpus().length - 1));
const folder = mkdtempSync(join(tmpdir(), 'qmp-bench-'));
const bin = join(here, 'node_modules/.bench');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export function compile() {
  mkdirSync(bin, { recursive: true });
  for (const name of ['load', 'bare'])
    execFileSync('cc', ['-O3', '-march=native', '-o', join(bin, name), join(here, `native/${name}.c`)]);
}

const nats = ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/usr/local/bin/nats-server'].find(existsSync);

const script = (name, ...args) => ({
  command: process.execPath,
  args: ['--expose-gc', join(here, `servers/${name}.js`), ...args],
});
const KINDS = {
  gateway: (feed, sources = 1) => ({ ...script('gateway', feed, String(sources)), dialect: 'gateway' }),
  'gateway, plain': (feed) => ({ ...script('gateway', feed, '1', 'on'), dialect: 'plain', counting: true }),
  'gateway, deflated': (feed) => ({ ...script('gateway', feed, '1', 'on'), dialect: 'deflated', counting: true }),
  'gateway, on disk': (feed) => ({ ...script('gateway', feed, '1', '', `${feed}.data`), dialect: 'gateway' }),
  'uWebSockets.js': (feed) => ({ ...script('uws', feed), dialect: 'plain' }),
  'uWebSockets.js joined': (feed) => ({ ...script('uws', feed, 'joined'), dialect: 'plain' }),
  'ws loop': (feed) => ({ ...script('ws', feed), dialect: 'plain' }),
  'socket.io': (feed) => ({ ...script('socketio', feed), dialect: 'socketio' }),
  'bare Node': (feed) => ({ ...script('node', feed), dialect: 'plain' }),
  'bare Node, same bytes': (feed) => ({ ...script('node', feed, 'enveloped'), dialect: 'plain' }),
  bare: (feed) => ({ command: join(bin, 'bare'), args: [feed], dialect: 'plain' }),
  'bare Node, replaying': (feed) => ({ ...script('node', feed, 'replaying'), dialect: 'plain' }),
  'ws, replaying': (feed) => ({ ...script('ws', feed, 'replaying'), dialect: 'plain' }),
  relay: (feed) => ({ ...script('relay', feed), dialect: 'plain' }),
  'bare parse': (feed) => ({ ...script('parse', feed), dialect: 'plain' }),
  'bare parse and keep': (feed) => ({ ...script('parse', feed, 'keep'), dialect: 'plain' }),
};

export const haveNats = nats !== undefined;

let counter = 0;

export async function openRig(kind, { sources = 1, nodeArgs = [], dist } = {}) {
  const feed = join(folder, `${++counter}.sock`);
  const children = [];
  const started =
    kind === 'NATS' ? await startNats(children) : await startServer(kind, feed, sources, nodeArgs, dist, children);
  const { dialect, server, port, counting } = started;
  const bytes = dialect === 'gateway' ? EVENT_BYTES.gateway : EVENT_BYTES.peer;
  const load = pinned(
    LOAD_CORE,
    counting ? process.execPath : join(bin, 'load'),
    [
      ...(counting ? [join(here, 'loads/counting.js')] : []),
      dialect,
      started.feed ?? feed,
      port,
      server.pid,
      bytes,
    ].map(String),
  );
  children.push(load);
  const answers = lines(load, `load of ${kind}`);
  await answers();
  const rig = {
    kind,
    port,
    pid: server.pid,
    async load(...words) {
      load.stdin.write(`${words.join(' ')}\n`);
      return answers();
    },
    /** The gateway's own report since the last call. @param word `watch`: the loop's delay is measured from now on. */
    async inside(word = '') {
      server.stdin.write(`${word}\n`);
      return started.answers();
    },
    async close() {
      for (const child of children.reverse()) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill(child === server && nodeArgs.length > 0 ? 'SIGINT' : 'SIGKILL');
        await gone;
      }
    },
  };
  if (dialect !== 'nats') await rig.load('monitors', sources);
  return rig;
}

async function startServer(kind, feed, sources, nodeArgs, dist, children) {
  const { command, args, dialect, counting = false } = KINDS[kind](feed, sources);
  const server = pinned(SERVER_CORE, command, [...(command === process.execPath ? nodeArgs : []), ...args], dist);
  children.push(server);
  const answers = lines(server, kind);
  const { port } = await answers();
  return { dialect, server, port, answers, counting };
}

async function startNats(children) {
  const [tcp, web] = [await freePort(), await freePort()];
  const config = join(folder, `nats-${counter}.conf`);
  writeFileSync(
    config,
    `listen: "127.0.0.1:${tcp}"\nping_interval: "1h"\nmax_pending: 512MB\nmax_connections: 20000\nwebsocket { listen: "127.0.0.1:${web}", no_tls: true, compression: false }\n`,
  );
  const server = pinned(SERVER_CORE, nats, ['-c', config]);
  children.push(server);
  server.stderr.resume();
  server.stdout.resume();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return { dialect: 'nats', server, port: web, feed: tcp };
}

function pinned(core, command, args, dist) {
  const child = spawn('taskset', ['-c', core, command, ...args], {
    stdio: ['pipe', 'pipe', command === nats ? 'pipe' : 'inherit'],
    env: dist ? { ...process.env, BENCH_DIST: dist } : process.env,
  });
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

/** The child's lines, one a call; a child that ends instead is an error. */
function lines(child, name) {
  const waiting = [];
  const come = [];
  let over;
  const settle = () => {
    while (waiting.length > 0 && (come.length > 0 || over)) {
      const { resolve, reject } = waiting.shift();
      if (come.length > 0) resolve(JSON.parse(come.shift()));
      else reject(over);
    }
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    come.push(line);
    settle();
  });
  child.once('exit', (code, signal) => {
    over = new Error(`${name} ended: ${code ?? signal}`);
    settle();
  });
  return () =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      settle();
    });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export const median = (values) => quantile(values, 0.5);
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + ((sorted[low + 1] ?? sorted[low]) - sorted[low]) * (at - low);
}

let names = 0;
export const temporary = (name) => join(folder, `${++names}-${name}`);

/** A simulated QEMU, a process of its own as a real one is. */
export async function startSimulated(path) {
  const { command, args } = script('simulator', path);
  const child = pinned(LOAD_CORE, command, args);
  await lines(child, 'simulator')();
  return {
    start: (id) => child.stdin.write(`${id}\n`),
    say: (line) => child.stdin.write(`${line}\n`),
    close: () => child.kill('SIGKILL'),
  };
}

/** The bare relay, on a monitor of the caller's. */
export async function startRelay(feed) {
  const children = [];
  const { port } = await startServer('relay', feed, 1, [], undefined, children);
  return { port, close: async () => children[0].kill('SIGKILL') };
}

/** A gateway alone, on monitors of the caller's. */
export async function startGateway(...feeds) {
  const children = [];
  const { port, server, answers } = await startServer('gateway', feeds.join(), feeds.length, [], undefined, children);
  await new Promise((resolve) => setTimeout(resolve, 500));
  return {
    port,
    /** With a full garbage collection. @param word `watch`: the loop's delay is measured from now on. */
    inside(word = '') {
      server.stdin.write(`${word}\n`);
      return answers();
    },
    close: async () => children[0].kill('SIGKILL'),
  };
}
