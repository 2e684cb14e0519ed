// The load of the compression section: monitor and subscribers in one process, as `native/load.c`, but frames may be compressed. Sockets only
// count bytes; one real client inflates, counts events, and so marks the end of a burst: it is over when everybody has as many bytes.
//   counting.js plain|deflated FEED PORT PID      Commands on stdin: monitors, connect N, closed BURSTS EVENTS
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const [form, feed, port, pid] = process.argv.slice(2);
const OFFER = form === 'deflated' ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : '';
const ANSWERS = {
  'query-commands': [{ name: 'query-jobs' }, { name: 'query-block-jobs' }],
  'query-jobs': [],
  'query-block-jobs': [],
  'query-cpus-fast': [],
};

let monitor;
createServer((socket) => {
  monitor = socket;
  socket.on('error', () => undefined);
  socket.write(
    '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}\r\n',
  );
  createInterface({ input: socket }).on('line', (line) => {
    const { execute, id } = JSON.parse(line);
    socket.write(`${JSON.stringify({ return: ANSWERS[execute] ?? {}, id })}\r\n`);
  });
}).listen(feed);

let seed = 1;
function random(below) {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) % below;
}

let sent = 0;
/** About 215 bytes, with figures that differ as those of a real fleet do: compression is not flattered by padding. */
function oneEvent() {
  sent += 1;
  const timestamp = { seconds: 1_795_392_000 + Math.floor(sent / 50), microseconds: random(1_000_000) };
  const disk = random(24);
  const data = {
    'node-name': `libvirt-${disk}-format`,
    'qom-path': `/machine/peripheral/virtio-disk${disk}`,
    'amount-exceeded': random(2 ** 24) * 512,
    'write-threshold': random(2 ** 22) * 65_536,
  };
  return `${JSON.stringify({ timestamp, event: 'BLOCK_WRITE_THRESHOLD', data })}\r\n`;
}

const SUBSCRIBE =
  '{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"snapshot":false,"types":["BLOCK_WRITE_THRESHOLD"]}}';
const sockets = [];
let counted = 0;
let marker;
let marked = 0;
let look = () => undefined;

const scratch = Buffer.alloc(1 << 18);
function openSocket() {
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | SUBSCRIBE.length, 0, 0, 0, 0]), Buffer.from(SUBSCRIBE)]);
  return new Promise((resolve) => {
    let state = 'upgrade';
    const socket = connect({
      port: Number(port),
      host: '127.0.0.1',
      onread: {
        buffer: scratch,
        callback(length) {
          if (state === 'live') {
            counted += length;
            look();
          } else if (state === 'upgrade') {
            const head = scratch.toString('latin1', 0, length);
            if (!head.startsWith('HTTP/1.1 101') || head.includes('permessage-deflate') !== (OFFER !== ''))
              throw new Error(head);
            state = 'subscribe';
            socket.write(frame);
          } else {
            state = 'live';
            resolve(socket);
          }
          return true;
        },
      },
    });
    socket.setNoDelay(true);
    socket.write(
      `GET /v1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${OFFER}\r\n`,
    );
  });
}

async function openMarker() {
  let socket;
  const ws = new WebSocket(`ws://127.0.0.1:${port}/v1`, {
    perMessageDeflate: form === 'deflated',
    createConnection: (options) => (socket = connect({ port: options.port, host: options.host })),
  });
  ws.on('message', (data) => {
    const { params } = JSON.parse(data);
    marked += params?.events?.length ?? 0;
    look();
  });
  await once(ws, 'open');
  ws.send(SUBSCRIBE);
  await once(ws, 'message');
  return { read: () => socket.bytesRead };
}

/** Pings are not looked for: a pong now and then says that everybody lives. */
setInterval(() => {
  for (const socket of sockets) socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
}, 8_000).unref();

async function burst(events) {
  const target = sent + events;
  let text = '';
  for (let at = 0; at < events; at++) text += oneEvent();
  await new Promise((resolve) => {
    look = () => {
      if (marked < target || counted < (marker.read() - marker.from) * sockets.length) return;
      look = () => undefined;
      resolve();
    };
    monitor.write(text);
  });
}

function cpu() {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const COMMANDS = {
  async monitors() {
    while (!monitor) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 300));
    return {};
  },
  async connect(count) {
    for (let at = 0; at < count; at++) sockets.push(await openSocket());
    marker = await openMarker();
    marker.from = marker.read();
    return {};
  },
  async closed(bursts, events) {
    const [from, bytes, own, began] = [cpu(), counted, process.cpuUsage(), performance.now()];
    for (let at = 0; at < bursts; at++) await burst(events);
    const { user, system } = process.cpuUsage(own);
    return {
      deliveries: bursts * events * (sockets.length + 1),
      bytes: (counted - bytes) * (1 + 1 / sockets.length),
      cpu: cpu() - from,
      clientCpu: (user + system) / 1e6,
      seconds: (performance.now() - began) / 1e3,
    };
  },
};

const tell = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
let before = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, ...figures] = line.split(' ');
  before = before.then(() => COMMANDS[name](...figures.map(Number))).then(tell);
});
tell({ name: 'ready' });
