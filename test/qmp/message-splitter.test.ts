// Any cut of a transcript into chunks gives the same messages.
import fc from 'fast-check';
import { parse } from 'lossless-json';
import { describe, expect, it } from 'vitest';
import { hasLongNumber, parseJson, stringifyJson } from '../../src/qmp/json.js';
import { MessageSplitter } from '../../src/qmp/message-splitter.js';

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('{', '}', '"', '\\"', 'ü€😀', '\r\n', '[{'),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
})).value;
const message = fc.dictionary(fc.string(), value, { maxKeys: 5 });

/** As QEMU writes it: one line, or with `pretty=on` many; always CRLF. */
const encode = (each: unknown, pretty: boolean): string =>
  `${JSON.stringify(each, undefined, pretty ? 4 : undefined).replaceAll('\n', '\r\n')}\r\n`;

describe('MessageSplitter', () => {
  it('finds the same messages however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(message, fc.boolean()), { maxLength: 8 }), fc.array(fc.nat()), (messages, cuts) => {
        const bytes = Buffer.from(messages.map(([each, pretty]) => encode(each, pretty)).join(''));
        const splitter = new MessageSplitter(1 << 24);
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const values = places.slice(1).flatMap((end, at) => splitter.push(bytes.subarray(places[at], end)).messages);
        expect(values).toEqual(JSON.parse(JSON.stringify(messages.map(([each]) => each))));
      }),
      { numRuns: 500 },
    );
  });

  it.each([false, true])('refuses what nests deeper than 128 levels, pretty %s', (pretty) => {
    const deep = (levels: number): string => {
      let value: unknown = 0;
      for (let level = 1; level < levels; level++) value = level % 2 ? [value] : { value };
      return encode({ value }, pretty);
    };
    const fits = new MessageSplitter(1 << 20).push(Buffer.from(deep(128)));
    expect([fits.messages.length, fits.error]).toEqual([1, undefined]);
    expect(new MessageSplitter(1 << 20).push(Buffer.from(deep(129))).error).toMatch(/128 levels/);
    // Brackets in strings are no nesting.
    expect(
      new MessageSplitter(1 << 20).push(Buffer.from(encode({ a: '['.repeat(1_000) }, pretty))).messages,
    ).toHaveLength(1);
  });

  it('splits a transcript byte by byte', () => {
    const bytes = Buffer.from('{"QMP": {"ü": "€😀"}}\r\n\r\n{\r\n    "return": {\r\n    }\r\n}\r\n');
    const splitter = new MessageSplitter(1_000);
    const values = [...bytes].flatMap((byte) => splitter.push(Buffer.of(byte)).messages);
    expect(values).toEqual([{ QMP: { ü: '€😀' } }, { return: {} }]);
  });

  it('fails where a message has so many values that each byte of it would cost many', () => {
    const list = (values: number) => Buffer.from(`{"a":[${Array(values).fill('{}').join()}]}\r\n`);
    expect(new MessageSplitter(16 * 1024 * 1024).push(list(400_000)).messages).toHaveLength(1);
    for (const bytes of [list(1_100_000), Buffer.from(`{\n${'1,\n'.repeat(1_100_000)}`)])
      expect(new MessageSplitter(16 * 1024 * 1024).push(bytes).error).toMatch(/values/);
  });

  it('keeps of a message that comes byte by byte no more than its bytes', () => {
    const splitter = new MessageSplitter(16 * 1024 * 1024);
    const before = process.memoryUsage();
    for (let n = 0; n < 500_000; n += 1) splitter.push(Buffer.from(new Uint8Array([0x78])));
    const { heapUsed, external } = process.memoryUsage();
    expect(heapUsed + external - before.heapUsed - before.external).toBeLessThan(32 * 1024 * 1024);
  });

  it('does not read two objects on a line, or an incomplete one, as one message', () => {
    expect(new MessageSplitter(1_000).push(Buffer.from('{"a":1}{"b":2}\r\n')).error).toMatch(/not JSON/);
    expect(new MessageSplitter(1_000).push(Buffer.from('{"a": {"b": 1}\r\n}\r\n')).messages).toEqual([{ a: { b: 1 } }]);
  });

  it('keeps long integers exact in whichever line they are', () => {
    const { messages } = new MessageSplitter(1_000).push(
      Buffer.from('{"a":1}\n{"a":9007199254740993}\n{\n"a":9007199254740993\n}\n'),
    );
    expect(messages).toEqual([{ a: 1 }, { a: '9007199254740993' }, { a: '9007199254740993' }]);
  });

  it.each([
    ['without an end', 'x'.repeat(200)],
    ['in many short lines', `{\n${'\n'.repeat(200)}`],
    ['in one line', `{"a":"${'x'.repeat(200)}"}\n`],
  ])('refuses a message over its limit %s, once', (_, text) => {
    const splitter = new MessageSplitter(100);
    expect(splitter.push(Buffer.from(text)).error).toMatch(/100 bytes/);
    expect(splitter.push(Buffer.from('{}\r\n'))).toEqual({ messages: [], texts: [], sizes: [] });
  });
});

describe('JSON', () => {
  it('keeps integers beyond 2^53 as decimal strings, and writes bigints bare', () => {
    const text =
      '{"speed":9223372036854775807,"small":5,"negative":-9007199254740993,"float":1.5e300,"text":"9007199254740993"}';
    expect(parseJson(text)).toEqual({
      ok: true,
      value: {
        speed: '9223372036854775807',
        small: 5,
        negative: '-9007199254740993',
        float: 1.5e300,
        text: '9007199254740993',
      },
    });
    expect(stringifyJson({ speed: 9007199254740993n })).toBe('{"speed":9007199254740993}');
  });

  it('reads what has long integers as an exact parser does, whatever stands around them', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '[', ']', ',', ':', ' ', '\n', '"', '\\"', '\\\\', '"a":', '-', '0', 'e5', '.5', 'x', 'null'],
      ...['1234567890123456', '9007199254740993', '-9223372036854775808', '"9223372036854775807"'],
    );
    const exact = (text: string): unknown => {
      try {
        const number = (digits: string): unknown =>
          Number.isSafeInteger(Number(digits)) || !/^-?\d+$/.test(digits) ? Number(digits) : digits;
        return {
          ok: true,
          value: parse(text, undefined, { parseNumber: number, onDuplicateKey: ({ newValue }) => newValue }),
        };
      } catch {
        return { ok: false };
      }
    };
    const read = (text: string): unknown => {
      const parsed = parseJson(text, true);
      return parsed.ok ? parsed : { ok: false };
    };
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        for (const text of [pieces.join(''), `[${pieces.join(',')}]`, `{"a":[${pieces.join('')}]}`])
          expect(read(text)).toEqual(exact(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it('takes not much longer for one long integer in a message of megabytes', () => {
    const long = (number: string): string =>
      JSON.stringify({ text: 'x\\"'.repeat(1_000_000), number: 0 }).replace('0}', `${number}}`);
    const timed = (text: string): number => {
      const times = Array.from({ length: 3 }, () => {
        const from = performance.now();
        expect(parseJson(text).ok).toBe(true);
        return performance.now() - from;
      });
      return Math.min(...times);
    };
    // A parser that goes through a text by characters takes some 300 times as long.
    expect(timed(long('1234567890123456789'))).toBeLessThan(40 * timed(long('5')));
  });

  it('finds sixteen digits in a row wherever they stand, and nothing shorter', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 14, maxLength: 18 });
    const pieces = fc.array(
      fc.oneof(digits, fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 20 })),
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('');
        expect(hasLongNumber(Buffer.from(text))).toBe(/[0-9]{16}/.test(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void parseJson(text)),
      { numRuns: 1_000 },
    );
    expect(parseJson(`${'['.repeat(200_000)}1234567890123456`).ok).toBe(false);
    expect(parseJson('{"__proto__": {"a": 1234567890123456}}').ok).toBe(true);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });
});
