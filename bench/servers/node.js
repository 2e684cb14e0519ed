// The limit of a server on Node: whatever the feed brings is one frame, and `socket.write` puts it on each socket.  node.js FEED
import { createServer } from 'node:net';
import { encodeFrame } from '../../dist/gateway/wire/frame.js';
import { followFeed, ready } from './feed.js';

const sockets = new Set();
const server = createServer({ noDelay: true }, (socket) => {
  socket.once('data', () => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    sockets.add(socket);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
}).listen(0, '127.0.0.1', () => ready(server.address().port));
followFeed(process.argv[2], (events) => {
  const frame = encodeFrame(`[${events.join(',')}]`);
  for (const socket of sockets) socket.write(frame);
});
