// socket.io over WebSocket alone, one emit an event.  socketio.js FEED
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { followFeed, ready } from './feed.js';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], pingInterval: 3_600_000, perMessageDeflate: false });
http.listen(0, '127.0.0.1', () => ready(http.address().port));
followFeed(process.argv[2], (events) => {
  for (const event of events) io.emit('event', event);
});
