// The credentials of an HTTP request (RFC 6750, 2.1). In: its headers. Out: the token, where there is one.
import type { IncomingMessage } from 'node:http';

export function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^bearer +([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
}
