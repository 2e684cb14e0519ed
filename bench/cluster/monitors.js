// Monitors in one process: each greets, answers what a gateway asks at first, and sends events.   monitors.js FOLDER COUNT
// The time of an event is that of its write, so a viewer on the same machine knows how long it took.
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [folder, count] = process.argv.slice(2);
const VERSION = { qemu: { micro: 22, minor: 2, major: 7 }, package: '' };
const ANSWERS = {
  'query-commands': [{ name: 'query-jobs' }, { name: 'query-block-jobs' }],
  'query-jobs': [],
  'query-block-jobs': [],
  'query-cpus-fast': [],
};
const monitors = Array.from({ length: Number(count) }, () => new Set());

for (const [at, sockets] of monitors.entries())
  createServer((socket) => {
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.write(`${JSON.stringify({ QMP: { version: VERSION, capabilities: [] } })}\r\n`);
    const lines = createInterface({ input: socket });
    // The error of the socket is the interface's too.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const { execute, id } = JSON.parse(line);
      if (execute === 'qmp_capabilities') sockets.add(socket);
      socket.write(`${JSON.stringify({ return: ANSWERS[execute] ?? {}, id })}\r\n`);
    });
  }).listen(`${folder}/vm${at}`);

let sent = 0;
function oneEvent(now) {
  sent += 1;
  const micros = Math.floor(now * 1_000);
  const timestamp = { seconds: Math.floor(micros / 1e6), microseconds: micros % 1e6 };
  const data = { 'node-name': `libvirt-${sent % 24}-format`, 'amount-exceeded': sent * 512, 'write-threshold': sent };
  return `${JSON.stringify({ timestamp, event: 'BLOCK_WRITE_THRESHOLD', data })}\r\n`;
}

function send(at, events) {
  const now = performance.timeOrigin + performance.now();
  let text = '';
  for (let n = 0; n < events; n += 1) text += oneEvent(now);
  for (const socket of monitors[at]) socket.write(text);
}

let pacing;
const ORDERS = {
  /** Events a second over all monitors, in turn; 0 ends it. */
  pace({ perSecond }) {
    clearInterval(pacing);
    let [due, last, turn] = [0, performance.now(), 0];
    if (perSecond > 0)
      pacing = setInterval(() => {
        const now = performance.now();
        due += ((now - last) / 1_000) * perSecond;
        last = now;
        for (; due >= 1; due -= 1) send(turn++ % monitors.length, 1);
      }, 1);
  },
  /** Events of one monitor, or of each, at once. */
  burst({ at, events }) {
    if (at === undefined) for (const each of monitors.keys()) send(each, events);
    else send(at, events);
    return { last: sent };
  },
};

process.on('message', ({ kind, ...order }) => process.send(ORDERS[kind](order) ?? {}));
process.send('ready');
