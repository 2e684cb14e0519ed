// The parsers at both ends of the stream accept any input and never throw.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEnvelope } from '../../src/gateway/wire/envelope.js';
import { parseJson, stringifyJson } from '../../src/qmp/json.js';
import { QMP_LIMITS } from '../../src/qmp/limits.js';
import { readMessage } from '../../src/qmp/message.js';
import { MessageSplitter } from '../../src/qmp/message-splitter.js';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.json(),
  fc.json().map((text) => text.slice(1)),
);

describe('frames of clients', () => {
  it('every text is a request or a refusal', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const read = readEnvelope(text);
        if (read.ok) expect(typeof read.params).toBe('object');
        else expect(['PARSE_ERROR', 'INVALID_REQUEST', 'INVALID_PARAMS']).toContain(read.error.reason);
      }),
      { numRuns: 2_000 },
    );
  });

  it('what is accepted is what was said', () => {
    const id = fc.oneof(fc.maxSafeInteger(), fc.string({ minLength: 1, maxLength: 64 }));
    fc.assert(
      fc.property(id, fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (asked, method, params) => {
        const said = JSON.parse(JSON.stringify({ id: asked, method, params }));
        expect(readEnvelope(JSON.stringify({ jsonrpc: '2.0', ...said }))).toEqual({ ok: true, ...said });
      }),
    );
  });
});

describe('bytes of monitors', () => {
  const parsed = (text: string): unknown => {
    const json = parseJson(text);
    return json.ok ? json.value : json.error;
  };
  const message = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 });
  /** As QEMU writes: one line, or many with `pretty=on`. */
  const written = fc
    .tuple(message, fc.boolean())
    .map(([value, pretty]) => `${JSON.stringify(value, null, pretty ? 4 : 0).replaceAll('\n', '\r\n')}\r\n`);

  it('come out whole, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(written), fc.infiniteStream(fc.integer({ min: 1, max: 50 })), (texts, sizes) => {
        const bytes = Buffer.from(texts.join(''));
        const splitter = new MessageSplitter(1 << 20);
        const out: unknown[] = [];
        for (let at = 0; at < bytes.length; ) {
          const size = sizes.next().value ?? 1;
          const { messages, error } = splitter.push(bytes.subarray(at, at + size));
          expect(error).toBeUndefined();
          out.push(...messages);
          at += size;
        }
        expect(out).toEqual(texts.map((text) => parsed(text)));
      }),
    );
  });

  it('any bytes: no throw, no more kept than the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
        const splitter = new MessageSplitter(256);
        let dead = false;
        for (const chunk of chunks) {
          const { messages, error } = splitter.push(Buffer.from(chunk));
          if (dead) expect({ messages, error }).toEqual({ messages: [], error: undefined });
          for (const value of messages) readMessage(value, 100, QMP_LIMITS);
          dead ||= error !== undefined;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('any value is a message of the closed set, and integers are exact', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(['event', 'greeting', 'return', 'error', 'malformed']).toContain(
          readMessage(value, 100, QMP_LIMITS).kind,
        );
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (integer) => {
        const read = parseJson(`{"speed":${integer}}`);
        expect(read).toEqual({
          ok: true,
          value: { speed: Number.isSafeInteger(Number(integer)) ? Number(integer) : String(integer) },
        });
        expect(stringifyJson({ speed: integer })).toBe(`{"speed":${integer}}`);
      }),
    );
  });
});
