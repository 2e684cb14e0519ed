// The plain loop: each event to each client by its own `send`.  ws.js FEED [replaying]
// `replaying`: each client first gets the newest 1,000 events, in messages that are made once for all.
import { WebSocketServer } from 'ws';
import { followFeed, ready } from './feed.js';
import { reportInside } from './inside.js';
import { Replay } from './replay.js';

const [feed, form] = process.argv.slice(2);
const topics = new Map();
const replay = form === 'replaying' ? new Replay('[', ']', (text) => Buffer.from(text)) : undefined;
// As long a queue of connections as the gateway's.
const options = { port: 0, host: '127.0.0.1', backlog: 4_096, perMessageDeflate: false };
const server = new WebSocketServer(options, () => ready(server.address().port));
server.on('connection', (client, { url }) => {
  const clients = topics.get(url) ?? new Set();
  topics.set(url, clients.add(client));
  client.on('close', () => clients.delete(client));
  for (const message of replay?.messages ?? []) client.send(message, { binary: false });
});
reportInside();
followFeed(feed, (events) => {
  replay?.add(events);
  for (const event of events) for (const clients of topics.values()) for (const client of clients) client.send(event);
});
