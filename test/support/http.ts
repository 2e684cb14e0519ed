// Node's own request and response objects for an HTTP request without a network, and what was answered.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** The whole answer so far: head and body. */
  answer: () => { status: number; headers: Record<string, string>; body: string };
  /** Whether nothing was answered yet. */
  isOpen: () => boolean;
}

export interface Asked {
  method?: string;
  url?: string;
  /** In order; a name may come twice. */
  headers?: [name: string, value: string][];
  address?: string | undefined;
}

export function requestOf({
  method = 'GET',
  url = '/',
  headers = [],
  address = '10.0.0.1',
}: Asked = {}): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  const request = new IncomingMessage(socket);
  Object.assign(request, { method, url, complete: true, httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 });
  for (const [name, value] of headers) {
    request.rawHeaders.push(name, value);
    request.headers[name.toLowerCase()] = value;
  }
  return request;
}

export function exchangeOf(asked: Asked = {}): Exchange {
  const request = requestOf({ ...asked, headers: [['Host', 'localhost'], ...(asked.headers ?? [])] });
  const response = new ServerResponse(request);
  let text = '';
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  response.assignSocket(sink as unknown as Socket);
  return {
    request,
    response,
    isOpen: () => !response.headersSent,
    answer: () => {
      const [head = '', ...body] = text.split('\r\n\r\n');
      const [first = '', ...lines] = head.split('\r\n');
      const headers = Object.fromEntries(lines.map((line) => line.split(': ', 2) as [string, string]));
      const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(named), body: body.join('\r\n\r\n') };
    },
  };
}
