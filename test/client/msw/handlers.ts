// The mock gateway as msw handlers, for tests and for a demo without a server.
import { type WebSocketHandler, ws } from 'msw';
import type { MockGateway } from './gateway.js';

export const MOCK_URL = 'ws://gateway.mock/v1';

/** One link for each URL: every `ws.link` listens on a channel of its own, for good. */
const links = new Map<string, ReturnType<typeof ws.link>>();

/**
 * ```ts
 * const gateway = new MockGateway();
 * setupServer(...handlers(gateway)).listen();   // setupWorker in a browser
 * createClient({ url: MOCK_URL, WebSocket: globalThis.WebSocket });
 * ```
 */
export function handlers(gateway: MockGateway, url: string = MOCK_URL): WebSocketHandler[] {
  const link = links.get(url) ?? ws.link(url);
  links.set(url, link);
  return [
    link.addEventListener('connection', ({ client }) => {
      const session = gateway.connect({
        send: (text) => client.send(text),
        // msw sends in a microtask and drops what is unsent at a close; a real socket delivers first.
        close: (code, reason) => queueMicrotask(() => client.close(code, reason)),
      });
      client.addEventListener('message', ({ data }) => session.receive(String(data)));
      client.addEventListener('close', () => session.closed());
    }),
  ];
}
