// uWebSockets.js publish.  uws.js FEED [joined]   joined: what one read brought is one message, as the gateway does it.
import uws from 'uwebsockets';
import { followFeed, ready } from './feed.js';

const joined = process.argv[3] === 'joined';
const topics = new Set();
const app = uws
  .App()
  .ws('/*', {
    idleTimeout: 0,
    maxBackpressure: 64 * 1024 * 1024,
    upgrade: (response, request, context) =>
      response.upgrade(
        { topic: request.getUrl() },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      ),
    open: (client) => {
      const { topic } = client.getUserData();
      topics.add(topic);
      client.subscribe(topic);
    },
  })
  .listen('127.0.0.1', 0, (token) => ready(uws.us_socket_local_port(token)));
followFeed(process.argv[2], (events) => {
  const messages = joined ? [`[${events.join(',')}]`] : events;
  for (const message of messages) for (const topic of topics) app.publish(topic, message, false);
});
