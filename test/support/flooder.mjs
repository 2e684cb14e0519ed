// A client that floods, as a process of its own: eight connections that send as fast as their sockets take, and connect again when they are closed.
//   flooder.mjs WS_URL ping|request
import { WebSocket } from 'ws';

const [url = '', kind] = process.argv.slice(2);
const UNSENT = 256 * 1024;

function send(socket, n) {
  if (kind === 'ping') return socket.ping('x'.repeat(100));
  const method = n % 2 ? 'subscribe' : 'job.list';
  const params = n % 2 ? { tag: `t${n % 8}` } : {};
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: n, method, params }));
}

function flood() {
  const socket = new WebSocket(url, 'qmp-gateway.v1', { perMessageDeflate: false });
  let n = 0;
  const pour = () => {
    if (socket.readyState !== WebSocket.OPEN) return;
    while (socket.bufferedAmount < UNSENT) send(socket, n++);
    setImmediate(pour);
  };
  socket.on('open', () => {
    process.send?.('floods');
    pour();
  });
  socket.on('error', () => undefined);
  socket.on('close', flood);
}
for (let n = 0; n < 8; n += 1) flood();
