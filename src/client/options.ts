// The options of createClient, their defaults, and the errors of invalid ones.
import { clientError } from './errors.js';
import type { Token } from './reconnecting-connection.js';
import { RUNTIME, type Runtime } from './runtime.js';
import type { SocketConstructor } from './socket.js';

export interface ClientOptions {
  /** `ws://` or `wss://`, with the path: `ws://127.0.0.1:7070/v1`. With npm `ws` also `ws+unix:/path/of/socket:/v1`. */
  url: string;
  /**
   * Sent first on every connection. A function is called again when its last token was refused or is about to expire; if a string is refused, or the
   * same token twice, the client closes. Default: none.
   */
  token?: Token;
  /** Default: `globalThis.WebSocket`; in Node the npm package `ws`. */
  WebSocket?: SocketConstructor;
  /** Requests that may wait for a connection; more are refused with `QUEUE_FULL`. Default 256. */
  queue?: number;
  /** Milliseconds for a request without a bound of its own, including time without a connection. Default 30,000. */
  timeoutMs?: number;
  /** Time, randomness and wake-ups, for tests. Default: those of the platform. */
  runtime?: Partial<Runtime>;
}

export interface Settings {
  url: string;
  token: Token | undefined;
  WebSocket: SocketConstructor;
  queue: number;
  timeoutMs: number;
  runtime: Runtime;
}

export function settingsOf(options: ClientOptions): Settings {
  const { url, token, queue = 256, timeoutMs = 30_000 } = options;
  const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
  if (!/^(wss?:\/\/[^/]|ws\+unix:\/.)/.test(url)) throw clientError('INVALID_OPTION', `no ws:// or wss:// url: ${url}`);
  if (!WebSocket) throw clientError('INVALID_OPTION', 'no WebSocket: give one');
  if (!(queue >= 0) || !(timeoutMs > 0)) throw clientError('INVALID_OPTION', 'bad queue or timeoutMs');
  return { url, token, WebSocket, queue, timeoutMs, runtime: { ...RUNTIME, ...options.runtime } };
}
