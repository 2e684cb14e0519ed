// JSON with exact 64-bit integers. In: text of one message. Out: a value in which an integer beyond 2^53-1 is a decimal
// string (QEMU echoes a `speed` up to 2^63-1 exactly, JSON.parse rounds it); and the way back, where a bigint is written bare.
import { parse as parseExactly, stringify as stringifyExactly } from 'lossless-json';

/** Sixteen digits in a row is the shortest text that may not fit a double; nearly no message has them. */
const LONG_NUMBER = /\d{16}/;

export type Parsed = { ok: true; value: unknown } | { ok: false; error: string };

function parseNumber(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(text) ? value : text;
}

export function hasLongNumber(text: string): boolean {
  return LONG_NUMBER.test(text);
}

/** Never throws. @param exact whether the text may have a long number; a caller that has looked at many texts at once knows. */
export function parseJson(text: string, exact: boolean = hasLongNumber(text)): Parsed {
  try {
    return { ok: true, value: exact ? parseExactly(text, undefined, parseNumber) : JSON.parse(text) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Writes a bigint as a bare integer, everything else as JSON.stringify does. */
export function stringifyJson(value: unknown): string {
  return stringifyExactly(value) ?? 'null';
}
