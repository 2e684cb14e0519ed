// Subscribers in one process: most of them only look for the end of a burst, and some read every event and when it came.
import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';

const SUBSCRIBE =
  '{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"snapshot":false,"types":["BLOCK_WRITE_THRESHOLD"]}}';
const scratch = Buffer.alloc(1 << 18);
/** More than the longest event, and a bookmark after it. */
const TAIL = 600;

let seeks = '';
let missing = 0;
let found = () => undefined;

function openPlain(port) {
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | SUBSCRIBE.length, 0, 0, 0, 0]), Buffer.from(SUBSCRIBE)]);
  return new Promise((resolve) => {
    let state = 'upgrade';
    let before = '';
    const each = { hasSeen: true, socket: undefined };
    each.socket = connect({
      ...{ port, host: '127.0.0.1' },
      onread: {
        buffer: scratch,
        callback(length) {
          if (state === 'live') {
            if (each.hasSeen) return true;
            before =
              (length < TAIL ? before.slice(-TAIL) : '') + scratch.latin1Slice(Math.max(0, length - TAIL), length);
            if (!before.includes(seeks)) return true;
            each.hasSeen = true;
            missing -= 1;
            if (missing === 0) found();
          } else if (state === 'upgrade') {
            state = 'subscribe';
            each.socket.write(frame);
          } else {
            state = 'live';
            resolve(each);
          }
          return true;
        },
      },
    });
    each.socket.setNoDelay(true);
    each.socket.on('error', () => undefined);
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13';
    each.socket.write(
      `GET /v1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\n\r\n`,
    );
  });
}

const plain = [];
const readers = [];
/** Of each event that a reader got: the source, when it came, and the milliseconds since its write. */
let came = [];

async function openReader(port) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/v1`, { perMessageDeflate: false });
  await once(ws, 'open');
  ws.send(SUBSCRIBE);
  await once(ws, 'message');
  ws.on('message', (data) => {
    const now = performance.timeOrigin + performance.now();
    const { params } = JSON.parse(data);
    for (const { source, time } of params?.events ?? [])
      came.push([source, now, now - Date.parse(time) - Number(time.slice(23, 26)) / 1_000]);
  });
  readers.push(ws);
}

setInterval(() => {
  for (const { socket } of plain) socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
}, 8_000);

const ORDERS = {
  async open({ port, count, read }) {
    for (let n = 0; n < count - read; n += 1) plain.push(await openPlain(port));
    for (let n = 0; n < read; n += 1) await openReader(port);
  },
  /** Everybody waits for the event of that number. The answer to `awaited` says that all have it. */
  seek({ last }) {
    seeks = `"write-threshold":${last}}`;
    missing = plain.length;
    for (const each of plain) each.hasSeen = false;
  },
  awaited: () =>
    missing === 0
      ? undefined
      : new Promise((resolve) => {
          found = resolve;
        }),
  /** What has come since the last call. */
  came() {
    const all = came;
    came = [];
    return { came: all };
  },
};

process.on('message', async ({ kind, ...order }) => process.send((await ORDERS[kind](order)) ?? {}));
process.send('ready');
