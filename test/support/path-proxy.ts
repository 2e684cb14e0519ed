// A reverse proxy that serves a gateway under a path, as nginx's `location /qmp/` does.
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Everything outside of `path` is another gateway's: 404 here, and a WebSocket there is refused. */
export async function openPath(target: string, path: string): Promise<string> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const inside = (url = '/'): string | undefined => (url.startsWith(path) ? `/${url.slice(path.length)}` : undefined);
  const server = createServer((asked, answer) => {
    const url = inside(asked.url);
    if (url === undefined) return void answer.writeHead(404).end();
    const onward = request({ hostname, port, path: url, method: asked.method, headers: asked.headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  server.on('upgrade', (asked, client: Socket, head) => {
    const url = inside(asked.url);
    if (url === undefined) return void client.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    const lines = asked.rawHeaders.flatMap((name, n, all) => (n % 2 ? [] : [`${name}: ${all[n + 1]}`]));
    upstream.write(`${asked.method} ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}${path}`;
}
