// A port of loopback that nobody listens on now.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Who asked for one may not listen on it yet, and the system would give it again. */
const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}
