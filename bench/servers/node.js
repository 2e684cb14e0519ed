// The limit of a server on Node: whatever the feed brings is one frame, and `socket.write` puts it on each socket.  node.js FEED [enveloped | replaying]
// `enveloped`: with as many bytes around the events as the gateway's own messages have. `replaying`: each socket first gets the newest 1,000 events.
import { createServer } from 'node:net';
import { encodeFrame } from '../../dist/gateway/wire/frame.js';
import { followFeed, ready } from './feed.js';
import { reportInside } from './inside.js';
import { Replay } from './replay.js';

const [feed, form] = process.argv.slice(2);
const [head, tail] =
  form === 'enveloped'
    ? [
        '{"jsonrpc":"2.0","method":"events","params":{"subscription":"0123456789abcdef","cursor":"01234567:123456","events":[',
        ']}}',
      ]
    : ['[', ']'];
const sockets = new Set();
const replay = form === 'replaying' ? new Replay(head, tail, encodeFrame) : undefined;
const server = createServer({ noDelay: true }, (socket) => {
  socket.once('data', () => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    sockets.add(socket);
    for (const frame of replay?.messages ?? []) socket.write(frame);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
});
// As long a queue of connections as the gateway's.
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => ready(server.address().port));
reportInside();
followFeed(feed, (events) => {
  const frame = encodeFrame(`${head}${events.join(',')}${tail}`);
  replay?.add(events);
  for (const socket of sockets) socket.write(frame);
});
