// The WebSocket handshake (RFC 6455, 4.2): an upgrade is accepted, or refused with a plain HTTP response.
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type PerMessageDeflateOptions, WebSocketServer } from 'ws';
import type { Refusal as AnswerRefusal } from '../../protocol/answer.js';
import { SUBPROTOCOL } from '../../protocol/codes.js';
import { LIMITS } from '../../protocol/limits.js';
import { acceptOffer, type Compression } from './compression.js';
import type { GuardOptions } from './origin-policy.js';
import { judgeHead, judgeNames, readTarget } from './target.js';

export interface Refusal {
  status: number;
  why: string;
  headers?: Record<string, string>;
}

export const retryAfter = (ms: number): Record<string, string> => ({
  'Retry-After': String(Math.max(1, Math.ceil(ms / 1_000))),
});

/** Refusals by the access policy. */
export function refusedAccess({ reason, message }: AnswerRefusal): Refusal {
  if (reason !== 'UNAUTHENTICATED') return { status: 403, why: message };
  return { status: 401, why: message, headers: { 'WWW-Authenticate': 'Bearer' } };
}

/** Refusals by the handshake itself; the server checks the number of connections. */
export function judgeUpgrade(request: IncomingMessage, guard: GuardOptions): Refusal | undefined {
  const target = readTarget(request.url);
  if (!target) return { status: 400, why: 'the request target is malformed' };
  const refused = judgeHead(request) ?? judgeNames(request, target, guard);
  if (refused) return refused;
  if (target.path !== '/v1') return { status: 404, why: 'the WebSocket is at /v1' };
  if (request.method !== 'GET') return { status: 405, why: 'GET only', headers: { Allow: 'GET' } };
  const { upgrade = '', 'sec-websocket-version': version, 'sec-websocket-protocol': protocols = '' } = request.headers;
  if (upgrade.toLowerCase() !== 'websocket') return { status: 400, why: 'the only upgrade is to websocket' };
  if (version !== '13')
    return { status: 426, why: 'Sec-WebSocket-Version must be 13', headers: { 'Sec-WebSocket-Version': '13' } };
  const offered = protocolsOf(protocols);
  if (offered.length > 0 && !offered.includes(SUBPROTOCOL))
    return { status: 400, why: `supported subprotocols: ${SUBPROTOCOL}` };
  return undefined;
}

/** An empty member of a list is ignored (RFC 9110, 5.6.1). */
function protocolsOf(header: string): string[] {
  return header
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** Rewrites the headers for `ws`: only the accepted offers are left. `true`: messages are compressed. */
export function acceptOffers(
  { headers }: IncomingMessage,
  address: string | undefined,
  compression: Compression,
): boolean {
  if (protocolsOf(headers['sec-websocket-protocol'] ?? '').length > 0) headers['sec-websocket-protocol'] = SUBPROTOCOL;
  else delete headers['sec-websocket-protocol'];
  const offer = acceptOffer(compression, address, headers['sec-websocket-extensions']);
  if (offer !== undefined) headers['sec-websocket-extensions'] = offer;
  return offer !== undefined;
}

/** Upgrades for one kind of connection. */
export function openSockets(perMessageDeflate: PerMessageDeflateOptions | false): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: LIMITS.messageBytes,
    perMessageDeflate,
    maxFragments: 16,
    maxBufferedChunks: 1_024,
    // `connection` answers pings.
    autoPong: false,
    closeTimeout: 5_000,
    handleProtocols: () => SUBPROTOCOL,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
}

/** There is no WebSocket to close before the upgrade, so the answer is plain HTTP. */
export function rejectUpgrade(socket: Duplex, { status, why, headers = {} }: Refusal): void {
  const body = `${why}\n`;
  const all: Record<string, string> = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
    Connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  // A peer that never closes must not delay the end.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
