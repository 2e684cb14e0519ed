import { expect, it } from 'vitest';
import * as browser from '../../src/client/index.js';
import * as node from '../../src/client/node.js';

it('is the same in Node and in browsers', () => {
  expect(Object.keys(node).sort()).toEqual(Object.keys(browser).sort());
});

it('brings a WebSocket to Node only', () => {
  const { WebSocket } = globalThis as { WebSocket?: unknown };
  const url = 'ws://127.0.0.1:9/v1';
  const client = node.createClient({ url });
  expect(client.state).toEqual({ phase: 'connecting', attempt: 0 });
  client.close();
  expect(client.state).toEqual({ phase: 'closed', reason: { cause: 'asked' } });
  if (!WebSocket) expect(() => browser.createClient({ url })).toThrow(/no WebSocket/);
});
