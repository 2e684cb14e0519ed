// The token in the headers of an HTTP request, if there is one (RFC 6750, 2.1).
import type { IncomingMessage } from 'node:http';

export function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^bearer +([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
}
