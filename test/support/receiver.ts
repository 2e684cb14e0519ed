// An HTTP server that receives webhooks, and answers as the test says.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

interface Event {
  type: string;
  job?: { id: string };
  data: { n?: number };
}

export interface Received {
  headers: IncomingHttpHeaders;
  text: string;
  /** `data` of a CloudEvent. */
  body: { cursor?: string; event?: Event; gap?: object; data?: Event };
  /** `performance.now()` of its arrival. */
  at: number;
}

export type Answer = number | ((response: ServerResponse, received: Received) => void);

export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  /** Connections that are open. */
  open(): Promise<number>;
  /** Connections that were made. */
  connections: number;
  /** Of the next requests, in order; then 200. */
  answers: Answer[];
  /** Of every request for which there is no other. */
  answer: Answer;
  close(): Promise<void>;
}

/** @param port the one of a receiver that was closed, so that it comes back. */
export async function openReceiver(port = 0): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const body = JSON.parse(text) as Received['body'];
      const received = { headers: request.headers, text, body, at: performance.now() };
      receiver.received.push(received);
      const answer = receiver.answers.shift() ?? receiver.answer;
      if (typeof answer === 'function') answer(response, received);
      else response.writeHead(answer).end('thanks');
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', () => {
    receiver.connections += 1;
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const receiver: Receiver = {
    ...{
      url: `http://127.0.0.1:${bound}/hook/path-as-a-secret`,
      port: bound,
      received: [],
      connections: 0,
      answers: [],
      answer: 200,
    },
    open: promisify(server.getConnections.bind(server)),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  onTestFinished(receiver.close);
  return receiver;
}
