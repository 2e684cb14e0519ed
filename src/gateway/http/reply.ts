// Sends one text response, unless the peer has gone or was answered before.
import type { ServerResponse } from 'node:http';

export function send(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
  caching = 'no-store',
): void {
  if (response.headersSent || response.destroyed) return;
  const length = Buffer.byteLength(text);
  const headers = status === 204 ? {} : { 'content-type': type, 'content-length': length, 'cache-control': caching };
  response.writeHead(status, headers).end(text);
}
