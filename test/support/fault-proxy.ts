// A WebSocket server between a client and a gateway that makes one mistake of a protocol: what the conformance kit must find.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

// biome-ignore lint/suspicious/noExplicitAny: a message of any shape, which a fault changes at will
export type Message = any;

/** What becomes of the messages of one connection. */
export interface Line {
  /** What the client is sent in place of a message of the gateway. Default: the message. */
  toClient?(message: Message): Message[];
  /** What the gateway is sent in place of a message of the client. Default: the message. */
  toServer?(message: Message): Message[];
  /** Whether binary messages go no further. */
  takesBinary?: boolean;
}

/** @param nth of the connections, from 0. @param send sends the client a message at once. */
export type Fault = (nth: number, send: (message: Message) => void) => Line;

export interface FaultyServer {
  url: string;
}

/** @param headers changes the headers of an upgrade. */
export async function startFaultProxy(
  gateway: { port: number },
  fault: Fault = () => ({}),
  headers: (given: Record<string, string>) => void = () => undefined,
): Promise<FaultyServer> {
  const server = createServer((incoming, response) => {
    const { method, url: path } = incoming;
    const forward = request({ port: gateway.port, host: '127.0.0.1', method, path, headers: incoming.headers });
    forward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    forward.on('error', () => response.destroy());
    response.on('close', () => forward.destroy());
    incoming.pipe(forward);
  });
  const clients = new Set<WebSocket>();
  let nth = 0;
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refuse = (status = 0, text = ''): void =>
      void socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    if (incoming.headers['sec-websocket-version'] !== '13') {
      const forward = request({ port: gateway.port, host: '127.0.0.1', path: incoming.url, headers: incoming.headers });
      forward.on('response', ({ statusCode, statusMessage }) => refuse(statusCode, statusMessage));
      forward.on('error', () => socket.destroy());
      return void forward.end();
    }
    const protocols = incoming.headers['sec-websocket-protocol']?.split(/, */) ?? [];
    const given = Object.fromEntries(
      ['host', 'origin', 'authorization'].flatMap((name) => {
        const value = incoming.headers[name];
        return value === undefined ? [] : [[name, String(value)]];
      }),
    );
    headers(given);
    const upstream = new WebSocket(`ws://127.0.0.1:${gateway.port}${incoming.url}`, protocols, { headers: given });
    upstream.on('error', () => undefined);
    upstream.on('unexpected-response', (_, { statusCode, statusMessage }) => refuse(statusCode, statusMessage));
    upstream.on('open', () => {
      const accept = new WebSocketServer({ noServer: true, handleProtocols: () => upstream.protocol || false });
      accept.handleUpgrade(incoming, socket, head, (client) => {
        clients.add(client);
        join(client, upstream, fault, nth++);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const client of clients) client.terminate();
    server.close();
    server.closeAllConnections();
  });
  return { url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/v1` };
}

function join(client: WebSocket, upstream: WebSocket, fault: Fault, nth: number): void {
  const send = (message: Message): void => client.send(JSON.stringify(message));
  const line = fault(nth, send);
  upstream.on('message', (data) => {
    const message = JSON.parse(data.toString());
    for (const each of line.toClient?.(message) ?? [message]) send(each);
  });
  const forward = (data: string | Buffer): void => upstream.send(data);
  client.on('message', (data: Buffer, isBinary) => {
    if (isBinary) return line.takesBinary ? undefined : forward(data);
    const message = parsed(data.toString());
    if (message === undefined || !line.toServer) return forward(data.toString());
    for (const each of line.toServer(message)) forward(JSON.stringify(each));
  });
  client.on('close', () => upstream.terminate());
  client.on('error', () => undefined);
  upstream.on('close', (code, reason) => {
    if (code === 1006) client.terminate();
    else client.close(code, reason);
  });
}

function parsed(text: string): Message | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
