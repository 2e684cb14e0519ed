// A port of loopback that nobody listens on now, and that the system gives to nobody: it lies below the range from which Linux takes the port of a
// connection, or of a listener that asked for any (`net.ipv4.ip_local_port_range`, 32768 and up). Whoever asked for it may listen on it later.
import { once } from 'node:events';
import { createServer } from 'node:net';

const LOWEST = 20_000;
const COUNT = 12_000;
/** Processes that begin one after the other begin far from each other. */
const STRIDE = 397;

let next = (process.pid * STRIDE) % COUNT;

export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + next;
    next = (next + 1) % COUNT;
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
