// JSON with exact 64-bit integers. Parsing gives an integer beyond 2^53-1 as a decimal string, since JSON.parse rounds it (QEMU echoes a `speed` up
// to 2^63-1 exactly); writing gives a bigint as a bare integer.
import { parse as parseExactly, stringify as stringifyExactly } from 'lossless-json';

/** Digits of the shortest integer that a double may round (2^53 has sixteen). Few messages have so many digits in a row. */
const LONG = 16;

export type Parsed = { ok: true; value: unknown } | { ok: false; error: string };

function parseNumber(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(text) ? value : text;
}

/** A run of sixteen digits covers a multiple of sixteen somewhere, so only every sixteenth byte is checked first. */
export function hasLongNumber(bytes: Uint8Array): boolean {
  for (let at = LONG - 1; at < bytes.length; at += LONG) {
    if (!isDigit(bytes[at])) continue;
    let first = at;
    while (isDigit(bytes[first - 1])) first -= 1;
    let last = at;
    while (last - first + 1 < LONG && isDigit(bytes[last + 1])) last += 1;
    if (last - first + 1 >= LONG) return true;
  }
  return false;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Never throws. @param exact whether the text may have a long number: a caller that checked several texts at once passes its result. */
export function parseJson(text: string, exact: boolean = hasLongNumber(Buffer.from(text))): Parsed {
  try {
    return { ok: true, value: exact ? parseExactly(text, undefined, parseNumber) : JSON.parse(text) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** As {@link parseJson}, but every number keeps its text: {@link stringifyJson} writes it as it came. Never throws. */
export function parseVerbatim(text: string): Parsed {
  try {
    return { ok: true, value: parseExactly(text) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Writes a bigint as a bare integer, everything else as JSON.stringify does. */
export function stringifyJson(value: unknown): string {
  return stringifyExactly(value) ?? 'null';
}
