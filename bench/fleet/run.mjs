// A fleet: one gateway, many simulated monitors with two jobs each, subscribers with progress each second. What it costs, how late events are, how
// long a reconnect of all takes, and what a tenth of dead, stopped and flapping monitors changes for the rest.   run.mjs [--monitors 1000] [--subscribers 500]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';

const { values } = parseArgs({
  options: {
    monitors: { type: 'string', default: '1000' },
    subscribers: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
  },
});
const [monitors, subscribers, seconds] = [values.monitors, values.subscribers, values.seconds].map(Number);
const folder = mkdtempSync(join(tmpdir(), 'fleet-'));
const children = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * q)];

async function begin(file, ...args) {
  const child = spawn(process.execPath, [new URL(file, import.meta.url).pathname, ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(createInterface({ input: child.stdout }), 'line');
  return child;
}

const tenth = Math.floor(monitors / 10);
// The last three tenths are dead, stopped and flapping ones; they begin well, but for the dead.
const well = await begin('monitors.mjs', folder, 0, monitors - 3 * tenth);
const stopped = await begin('monitors.mjs', folder, monitors - 3 * tenth, monitors - 2 * tenth);
let flapping = await begin('monitors.mjs', folder, monitors - 2 * tenth, monitors - tenth);
const dead = await begin('monitors.mjs', folder, monitors - tenth, monitors);

const gateway = spawn(
  process.execPath,
  [
    ...[
      new URL('../../dist/cli/main.js', import.meta.url).pathname,
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--log-level',
      'silent',
    ],
    ...Array.from({ length: monitors }, (_, at) => ['--source', `vm${at}=unix:${folder}/vm${at}.sock`]).flat(),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
children.push(gateway);
const started = performance.now();
const [line] = await once(createInterface({ input: gateway.stdout }), 'line');
const port = Number(/:(\d+)\//.exec(line)[1]);

let lags = [];
let frames = 0;
const synced = new Map();
async function subscribe(at, params) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/v1`, 'qmp-gateway.v1');
  await once(ws, 'open');
  ws.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscribe', params }));
  ws.on('message', (data) => {
    frames += 1;
    if (at > 0) return;
    const { method, params: said } = JSON.parse(data);
    if (method !== 'events') return;
    const now = Date.now();
    for (const { type, source, time } of said.events) {
      if (type === 'GATEWAY_SOURCE_SYNCED') synced.set(source, (synced.get(source) ?? 0) + 1);
      if (type === 'JOB_STATUS_CHANGE' && isWell(source)) lags.push(now - Date.parse(time));
    }
  });
  return ws;
}
const isWell = (source) => Number(source.slice(2)) < monitors - 3 * tenth;
async function countUp() {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'source.list', params: {} }),
  });
  return (await answer.json()).result.sources.filter(({ state }) => state === 'up').length;
}
while ((await countUp()) < monitors) await rest(50);
const allUp = performance.now() - started;
// Of the first, which measures, all events; of the others those of two monitors, with progress each second.
await subscribe(0, { snapshot: false });
for (let at = 1; at <= subscribers; at += 1)
  await subscribe(at, { sources: [`vm${at % monitors}`, `vm${(at * 7) % monitors}`], progress: 1_000 });

const usage = () => {
  const [user, system] = readFileSync(`/proc/${gateway.pid}/stat`, 'utf8')
    .split(') ')[1]
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (user + system) / 100;
};
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))[1]) / 1024;

async function measure(name) {
  await rest(3_000);
  lags = [];
  frames = 0;
  const before = usage();
  await rest(seconds * 1_000);
  const cpu = ((usage() - before) / seconds) * 100;
  const row = {
    name,
    cpu: `${cpu.toFixed(1)} %`,
    rss: `${rss().toFixed(0)} MiB`,
    frames: Math.round(frames / seconds),
  };
  console.log({
    ...row,
    events: lags.length,
    p50: quantile(lags, 0.5),
    p99: quantile(lags, 0.99),
    max: Math.max(...lags),
  });
}

console.log({ monitors, subscribers, allUpMs: Math.round(allUp) });
await measure('all well');
stopped.kill('SIGSTOP');
dead.kill('SIGKILL');
flapping.kill('SIGKILL');
await Promise.all([once(dead, 'exit'), once(flapping, 'exit')]);
flapping = await begin('monitors.mjs', folder, monitors - 2 * tenth, monitors - tenth, 'flapping');
await measure('a tenth each dead, stopped, flapping');
const times = new Map(synced);
const cut = performance.now();
well.stdin.write('cut\n');
while (
  [...synced].filter(([name, count]) => isWell(name) && count > (times.get(name) ?? 0)).length <
  monitors - 3 * tenth
)
  await rest(20);
console.log({ reconnectOfAllMs: Math.round(performance.now() - cut), of: monitors - 3 * tenth });
process.exit();
