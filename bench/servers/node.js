// The limit of a server on Node: whatever the feed brings is one frame, and `socket.write` puts it on each socket.  node.js FEED [enveloped | replaying]
// `enveloped`: with as many bytes around the events as the gateway's own messages have. `replaying`: each socket first gets the newest 1,000 events.
import { createServer } from 'node:net';
import { encodeFrame } from '../../dist/gateway/wire/frame.js';
import { followFeed, ready } from './feed.js';

const [feed, form] = process.argv.slice(2);
const [head, tail] =
  form === 'enveloped'
    ? [
        '{"jsonrpc":"2.0","method":"events","params":{"subscription":"0123456789abcdef","cursor":"01234567:123456","events":[',
        ']}}',
      ]
    : ['[', ']'];
const sockets = new Set();
let newest = { events: [], frames: undefined };
/** As the gateway has it: frames of 64 KiB at most, encoded once for all. */
function replay() {
  const { events } = newest;
  newest.frames ??= Array.from({ length: Math.ceil(events.length / 290) }, (_, at) =>
    encodeFrame(`${head}${events.slice(at * 290, (at + 1) * 290).join(',')}${tail}`),
  );
  return newest.frames;
}
const server = createServer({ noDelay: true }, (socket) => {
  socket.once('data', () => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    sockets.add(socket);
    for (const frame of replay()) socket.write(frame);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
}).listen(0, '127.0.0.1', () => ready(server.address().port));
followFeed(feed, (events) => {
  const frame = encodeFrame(`${head}${events.join(',')}${tail}`);
  if (form === 'replaying') newest = { events: [...newest.events, ...events].slice(-1_000), frames: undefined };
  for (const socket of sockets) socket.write(frame);
});
