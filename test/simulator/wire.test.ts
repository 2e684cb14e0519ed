// The simulator reads and writes QEMU's JSON, however the bytes are cut.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, plain } from '../../src/simulator/parse.js';
import { RequestSplitter } from '../../src/simulator/request-splitter.js';
import { encode, timestamp } from '../../src/simulator/wire.js';

/** As JSON.parse would have it. */
const rounded = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

const STREAM = `{"execute":"a","x":"}{\\"'"} {'execute':'b','y':[1,{"z":'"'}]}\n[1]5 true{"c":1}`;
const VALUES = [`{"execute":"a","x":"}{\\"'"}`, `{'execute':'b','y':[1,{"z":'"'}]}`, '[1]', '5', 'true', '{"c":1}'];

describe('splitter', () => {
  it('finds the values of a stream, byte by byte too', () => {
    const whole = new RequestSplitter().push(STREAM);
    expect(whole).toEqual(VALUES.map((text) => ({ kind: 'value', text })));
    const slow = new RequestSplitter();
    expect([...STREAM].flatMap((unit) => slow.push(unit))).toEqual(whole);
  });

  it('throws an unfinished value away at a control character, with one error', () => {
    const splitter = new RequestSplitter();
    expect(splitter.push('{"execute":"que')).toEqual([]);
    expect(splitter.push('\u0001{}')).toEqual([
      { kind: 'error', desc: `JSON parse error, stray '"que\u0001'` },
      { kind: 'value', text: '{}' },
    ]);
  });
});

describe('parse', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }), (value) => {
        const parsed = parse(JSON.stringify(value));
        expect(parsed.ok && JSON.stringify(plain(parsed.value), rounded)).toBe(
          JSON.stringify(JSON.parse(JSON.stringify(value))),
        );
      }),
    );
  });

  it('keeps integers exact up to uint64', () => {
    expect(parse('[9007199254740993, 18446744073709551615, -9223372036854775808]')).toEqual({
      ok: true,
      value: [9007199254740993n, 18446744073709551615n, -9223372036854775808n],
    });
  });

  it.each([
    ['{"a":1,"a":2}', 'duplicate key'],
    ['{"a":}', 'expecting value'],
    ['nonsense', "invalid keyword 'nonsense'"],
    ['"\\q"', "invalid escape sequence '\\q' in string"],
  ])('%s is an error', (text, what) => {
    expect(parse(text)).toEqual({ ok: false, desc: `JSON parse error, ${what}` });
  });

  it('reads __proto__ as a member like any other', () => {
    const parsed = parse('{"__proto__":1}');
    expect(parsed.ok && Object.keys(parsed.value as object)).toEqual(['__proto__']);
  });
});

describe('encode', () => {
  it('is ASCII on one line, with exact integers', () => {
    expect(encode({ return: [{ speed: 9223372036854775807n, name: 'ä\n' }], id: null })).toBe(
      '{"return": [{"speed": 9223372036854775807, "name": "\\u00E4\\n"}], "id": null}\r\n',
    );
  });

  it('is indented when pretty', () => {
    expect(encode({ return: {}, a: [1] }, true)).toBe(
      '{\r\n    "return": {},\r\n    "a": [\r\n        1\r\n    ]\r\n}\r\n',
    );
  });

  it('splits time into seconds and microseconds, or says -1', () => {
    expect(timestamp(1_700_000_000_123.456)).toEqual({ seconds: 1_700_000_000, microseconds: 123_456 });
    expect(timestamp(5, true)).toEqual({ seconds: -1, microseconds: -1 });
  });
});
