// A synchronous abort through the gateway, from the client's send to its reply, against a raw `job-cancel` on the monitor's own socket,
// from the write to the event that says the job is gone. Three simulated QEMUs, in turn, processes of their own as real ones are.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { median, quantile, startGateway, startRelay, startSimulated, temporary } from '../rig.js';

const EACH = 40;
/** Before the first that counts: all three programs are compiled as they run. */
const WARM = 300;

export async function abort({ rounds }) {
  const paths = [temporary('sim.sock'), temporary('sim.sock'), temporary('sim.sock')];
  const simulators = [];
  for (const path of paths) simulators.push(await startSimulated(path));
  const gateway = await startGateway(paths[0]);
  const raw = await openRaw(paths[1]);
  const relay = await startRelay(paths[2]);
  const client = await openClient(gateway.port);
  const bare = await openClient(relay.port);
  // A request that asks nothing of QEMU: what two hops more and the WebSocket cost by themselves.
  const samples = { gateway: [], raw: [], relay: [], empty: [] };
  try {
    for (let at = 0; at < rounds * EACH + WARM; at++) {
      const id = `job${at}`;
      const took = {};
      for (const [way, simulator, cancel] of [
        ['gateway', simulators[0], (job) => client('job.abort', { source: 'vm0', job, sync: true })],
        ['raw', simulators[1], raw],
        ['relay', simulators[2], (job) => bare('job.abort', { source: 'vm0', job, sync: true })],
        ['empty', undefined, () => client('server.info', {})],
      ]) {
        simulator?.start(id);
        await new Promise((resolve) => setTimeout(resolve, 8));
        const began = performance.now();
        await cancel(id);
        took[way] = performance.now() - began;
      }
      if (at >= WARM) for (const way of Object.keys(samples)) samples[way].push(took[way]);
    }
  } finally {
    await gateway.close();
    await relay.close();
    for (const simulator of simulators) simulator.close();
  }
  const medians = (way) =>
    Array.from({ length: rounds }, (_, round) => median(samples[way].slice(round * EACH, (round + 1) * EACH)));
  const beyond = (way, floor) => {
    const added = medians(way).map((value, round) => value - medians(floor)[round]);
    return { median: median(added), low: Math.min(...added), high: Math.max(...added) };
  };
  return {
    gatewayMs: median(samples.gateway),
    rawMs: median(samples.raw),
    emptyMs: median(samples.empty),
    gatewayP99Ms: quantile(samples.gateway, 0.99),
    rawP99Ms: quantile(samples.raw, 0.99),
    addedMs: beyond('gateway', 'raw'),
    relayMs: median(samples.relay),
    beyondRelayMs: beyond('gateway', 'relay'),
  };
}

async function openRaw(path) {
  const socket = connect(path);
  let waiting;
  createInterface({ input: socket }).on('line', (line) => {
    if (line.includes('"status": "null"')) waiting?.();
  });
  await once(socket, 'connect');
  socket.write('{"execute":"qmp_capabilities"}\r\n');
  await new Promise((resolve) => setTimeout(resolve, 100));
  return (id) =>
    new Promise((resolve) => {
      waiting = resolve;
      socket.write(`{"execute":"job-cancel","arguments":{"id":"${id}"}}\r\n`);
    });
}

async function openClient(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1`, 'qmp-gateway.v1');
  const waiting = new Map();
  socket.on('message', (data) => {
    const { id, error } = JSON.parse(String(data));
    if (error) throw new Error(error.message);
    waiting.get(id)?.();
  });
  await once(socket, 'open');
  let next = 1;
  return (method, params) =>
    new Promise((resolve) => {
      waiting.set(next, resolve);
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: next++, method, params }));
    });
}
