import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseFrame } from '../../src/client/frame.js';

it('reads replies, errors and notifications', () => {
  for (const message of [
    { jsonrpc: '2.0', id: 1, result: null },
    { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'parse' } },
    { jsonrpc: '2.0', method: 'later', params: {} },
  ]) {
    expect(parseFrame(JSON.stringify(message))).toEqual(message);
  }
});

it.each(['', '{', '[]', 'null', '1', '{}', '{"jsonrpc":"1.0","id":1,"result":1}', '{"jsonrpc":"2.0","id":1}'])(
  'is undefined for %j',
  (text) => expect(parseFrame(text)).toBeUndefined(),
);

it('never throws, whatever comes', () => {
  fc.assert(fc.property(fc.oneof(fc.anything(), fc.json()), (data) => void parseFrame(data)));
});
