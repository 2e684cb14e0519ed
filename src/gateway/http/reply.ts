// One HTTP answer of text. In: status and text. Out: the whole response, unless the peer has gone or has its answer.
import type { ServerResponse } from 'node:http';

export function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  if (response.headersSent || response.destroyed) return;
  const length = Buffer.byteLength(text);
  const headers = status === 204 ? {} : { 'content-type': type, 'content-length': length, 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(text);
}
