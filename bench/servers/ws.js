// The plain loop: each event to each client by its own `send`.  ws.js FEED
import { WebSocketServer } from 'ws';
import { followFeed, ready } from './feed.js';

const topics = new Map();
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false }, () =>
  ready(server.address().port),
);
server.on('connection', (client, { url }) => {
  const clients = topics.get(url) ?? new Set();
  topics.set(url, clients.add(client));
  client.on('close', () => clients.delete(client));
});
followFeed(process.argv[2], (events) => {
  for (const event of events) for (const clients of topics.values()) for (const client of clients) client.send(event);
});
