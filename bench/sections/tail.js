// How late an event comes while something else happens: 200 subscribers, of which one is looked at; an event every 10 ms. The time is from the order to
// the simulated QEMU to the receipt, so it has the way through that process too, which is the same in every row.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { median, quantile, startGateway, startSimulated, temporary } from '../rig.js';
import { spread } from '../samples.js';

const SUBSCRIBERS = 200;
const MONITORS = 10;
const JOBS = 1_000;
const EVERY_MS = 10;
const EVENTS = 200;
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function tail({ rounds }) {
  const paths = Array.from({ length: MONITORS }, () => temporary('sim.sock'));
  const simulators = [];
  for (const path of paths) {
    const each = await startSimulated(path);
    simulators.push(each);
    for (let n = 0; n < JOBS; n += 1) each.start(`drive${n}`);
  }
  const [simulator] = simulators;
  await rest(2_000);
  const gateway = await startGateway(...paths);
  const clients = [];
  try {
    await rest(3_000);
    const marks = { sent: new Map(), took: [] };
    for (let n = 0; n < SUBSCRIBERS; n += 1)
      clients.push(await subscribe(gateway.port, { types: ['WAKEUP'], snapshot: false }, n === 0 ? marks : undefined));
    const { cursor } = clients[0];
    const disturbances = {
      'nothing else happens': async () => undefined,
      'a full garbage collection': () => gateway.inside(),
      '10 clients take a snapshot of 10,000 jobs': () => crowd(gateway.port, 10, {}),
      '500 clients resume at once': () => crowd(gateway.port, 500, { types: ['WAKEUP'], after: cursor }),
      '20,000 errors of one job at once': async () => void simulator.say('!errors 20000'),
    };
    const samples = Object.fromEntries(Object.keys(disturbances).map((name) => [name, []]));
    for (let round = -1; round < Math.min(rounds, 5); round += 1)
      for (const [name, disturb] of Object.entries(disturbances)) {
        const took = await measure(simulator, marks, disturb);
        if (round >= 0) samples[name].push(took);
        await rest(500);
      }
    const of = (each, figure) => spread(each.map(figure));
    return Object.fromEntries(
      Object.entries(samples).map(([name, each]) => [
        name,
        {
          p50: of(each, median),
          p99: of(each, (took) => quantile(took, 0.99)),
          most: of(each, (took) => Math.max(...took)),
        },
      ]),
    );
  } finally {
    for (const { socket } of clients) socket.terminate();
    await gateway.close();
    for (const each of simulators) each.close();
  }
}

let mark = 0;

async function measure(simulator, marks, disturb) {
  marks.took = [];
  let ended;
  for (let n = 0; n < EVENTS; n += 1) {
    if (n === EVENTS / 4) ended = disturb();
    mark += 1;
    marks.sent.set(mark, performance.now());
    simulator.say(`!mark ${mark}`);
    await rest(EVERY_MS);
  }
  await ended;
  while (marks.sent.size > 0) await rest(EVERY_MS);
  return marks.took;
}

/** @param marks where the receipt of each mark is noted. */
async function subscribe(port, params, marks) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1`, 'qmp-gateway.v1', { perMessageDeflate: false });
  await once(socket, 'open');
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscribe', params }));
  const reply = await new Promise((resolve) => {
    const take = (data) => {
      const message = JSON.parse(String(data));
      // A bookmark may come first.
      if (message.id !== 1) return;
      socket.off('message', take);
      resolve(message);
    };
    socket.on('message', take);
  });
  if (marks)
    socket.on('message', (data) => {
      const now = performance.now();
      for (const { data: each } of JSON.parse(String(data)).params.events ?? []) {
        marks.took.push(now - (marks.sent.get(each.mark) ?? now));
        marks.sent.delete(each.mark);
      }
    });
  return { socket, cursor: reply.result.cursor };
}

async function crowd(port, count, params) {
  const clients = await Promise.all(Array.from({ length: count }, () => subscribe(port, params)));
  for (const { socket } of clients) socket.terminate();
}
