// Parses one JSON value as QEMU does (single quotes are allowed), or gives QEMU's parse error. Integers that a double can't hold become bigint. A
// duplicate key is an error, which JSON.parse would not notice.

export type Parsed = { ok: true; value: unknown } | { ok: false; desc: string };

class Bad extends Error {}
const error = (what: string): Bad => new Bad(`JSON parse error, ${what}`);

const WORD = /[a-z]+/y;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y;
const SPACE = /[ \t\r\n]*/y;
const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Never throws. */
export function parse(text: string): Parsed {
  let at = 0;

  const skip = (): string => {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
    return text[at] ?? '';
  };

  function string(): string {
    const mark = text[at];
    let out = '';
    for (at += 1; ; at += 1) {
      const unit = text[at];
      if (unit === undefined) throw error('premature EOI');
      if (unit === mark) break;
      if (unit !== '\\') {
        out += unit;
        continue;
      }
      at += 1;
      const escaped = text[at] ?? '';
      if (escaped === 'u') {
        const digits = text.slice(at + 1, at + 5);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw error(`invalid hex escape '\\u${digits}' in string`);
        out += String.fromCharCode(Number.parseInt(digits, 16));
        at += 4;
      } else if ('"\'\\/'.includes(escaped)) out += escaped;
      else if (ESCAPES[escaped] !== undefined) out += ESCAPES[escaped];
      else throw error(`invalid escape sequence '\\${escaped}' in string`);
    }
    at += 1;
    return out;
  }

  function number(): number | bigint {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (!match) throw error('expecting value');
    at = NUMBER.lastIndex;
    const [digits, fraction, exponent] = match;
    if (fraction !== undefined || exponent !== undefined) return new Double(digits) as unknown as number;
    const exact = Number(digits);
    if (Number.isSafeInteger(exact)) return exact === 0 ? 0 : exact;
    const big = BigInt(digits);
    // Beyond uint64 QEMU falls back to a double.
    return big > 2n ** 64n - 1n || big < -(2n ** 63n) ? (new Double(digits) as unknown as number) : big;
  }

  function members(): Record<string, unknown> {
    // With a null prototype a member named __proto__ is a member like any other.
    const out: Record<string, unknown> = Object.create(null);
    at += 1;
    if (skip() === '}') {
      at += 1;
      return out;
    }
    for (;;) {
      const mark = skip();
      if (mark !== '"' && mark !== "'") throw error(mark === '}' ? 'expecting value' : 'key is not a string in object');
      const key = string();
      if (skip() !== ':') throw error("missing ':' in object pair");
      at += 1;
      if (key in out) throw error('duplicate key');
      out[key] = value();
      const next = skip();
      at += 1;
      if (next === '}') return out;
      if (next !== ',') throw error('expected separator in dict');
    }
  }

  function items(): unknown[] {
    const out: unknown[] = [];
    at += 1;
    if (skip() === ']') {
      at += 1;
      return out;
    }
    for (;;) {
      out.push(value());
      const next = skip();
      at += 1;
      if (next === ']') return out;
      if (next !== ',') throw error('expected separator in list');
    }
  }

  function value(): unknown {
    const unit = skip();
    if (unit === '{') return members();
    if (unit === '[') return items();
    if (unit === '"' || unit === "'") return string();
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (word === undefined) return number();
    at += word.length;
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    throw error(`invalid keyword '${word}'`);
  }

  try {
    return { ok: true, value: value() };
  } catch (cause) {
    if (cause instanceof Bad) return { ok: false, desc: cause.message };
    throw cause;
  }
}

/** A number with a fraction or an exponent: an integer parameter refuses it even when it is whole (1.0). */
export class Double {
  readonly value: number;
  constructor(text: string) {
    this.value = Number(text);
  }
}

/** Replaces {@link Double} by plain numbers, to echo an id. */
export function plain(value: unknown): unknown {
  if (value instanceof Double) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}
