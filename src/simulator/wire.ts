// Writes JSON as QEMU does: ASCII only, ", " and ": " between tokens, integers exact, CRLF at the end.

/** A value to encode. A bigint is an integer of any size; a number that is no integer stays a double. */
export type Value = unknown;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what JSON.stringify leaves and QEMU escapes
const NOT_ASCII = /[^\x00-\x7e]/g;

function quote(text: string): string {
  return JSON.stringify(text).replace(
    NOT_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}

function write(value: Value, indent: string | null): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'bigint':
      return value.toString();
    case 'number':
      return Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf';
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object': {
      if (value === null) return 'null';
      const inner = indent === null ? null : `${indent}    `;
      const parts = Array.isArray(value)
        ? value.map((item) => write(item, inner))
        : Object.entries(value).map(([key, item]) => `${quote(key)}: ${write(item, inner)}`);
      const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
      if (parts.length === 0) return open + close;
      if (inner === null) return open + parts.join(', ') + close;
      return `${open}\r\n${inner}${parts.join(`,\r\n${inner}`)}\r\n${indent}${close}`;
    }
    default:
      return 'null';
  }
}

/** One message with its CRLF. `pretty` is `pretty=on`: several lines, indented by four. */
export function encode(message: Record<string, Value>, pretty = false): string {
  return `${write(message, pretty ? '' : null)}\r\n`;
}

export interface Timestamp {
  seconds: number;
  microseconds: number;
}

/** `ms` since 1970. QEMU on a host without a clock gives -1, -1. */
export function timestamp(ms: number, unavailable = false): Timestamp {
  if (unavailable) return { seconds: -1, microseconds: -1 };
  const seconds = Math.floor(ms / 1000);
  return { seconds, microseconds: Math.min(999_999, Math.floor((ms - seconds * 1000) * 1000)) };
}
