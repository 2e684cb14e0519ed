// A TCP proxy whose connections can be cut, or frozen: open, while nothing passes any more.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Proxy {
  port: number;
  /** Lines that pass now. */
  lines: number;
  cut(): void;
  freeze(): void;
}

export async function startProxy(target: () => number): Promise<Proxy> {
  const pairs = new Set<[Socket, Socket]>();
  const all = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target(), '127.0.0.1');
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as [Socket, Socket]]) {
      all.add(from);
      from.on('error', () => undefined);
      from.on('data', (chunk) => pairs.has(pair) && to.write(chunk));
      from.on('close', () => {
        if (pairs.delete(pair)) to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of all) socket.destroy();
  });
  return {
    port: (server.address() as { port: number }).port,
    get lines() {
      return pairs.size;
    },
    cut: () => {
      for (const [client, upstream] of [...pairs]) {
        client.destroy();
        upstream.destroy();
      }
      pairs.clear();
    },
    freeze: () => pairs.clear(),
  };
}
