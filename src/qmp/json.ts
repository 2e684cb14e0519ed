// JSON with exact 64-bit integers. Parsing gives an integer beyond 2^53-1 as a decimal string, since JSON.parse rounds it (QEMU echoes a `speed` up
// to 2^63-1 exactly); writing gives a bigint as a bare integer.
import { parse as parseExactly, stringify as stringifyExactly } from 'lossless-json';

/** Digits of the shortest integer that a double may round (2^53 has sixteen). Few messages have so many digits in a row. */
const LONG = 16;

export type Parsed = { ok: true; value: unknown } | { ok: false; error: string };

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
    return { ok: true, value: JSON.parse(exact ? quoteLongIntegers(text) : text) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
/** A whole number as JSON has it. */
const INTEGER = /^-?[1-9]\d*$/;
const NUMBER_END = /[^\d.eE+-]/g;
/** The name of a member is no number. */
const COLON = /\s*:/y;

/** Puts the integers that a double would round in quotes. Reads each character about once, however hostile the text: a message may have 16 MB. */
function quoteLongIntegers(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === MINUS || isDigit(code)) {
      NUMBER_END.lastIndex = at;
      const end = NUMBER_END.exec(text)?.index ?? text.length;
      const number = text.slice(at, end);
      COLON.lastIndex = end;
      const isLong = number.length >= LONG && INTEGER.test(number) && !Number.isSafeInteger(Number(number));
      if (isLong && !COLON.test(text)) {
        parts.push(text.slice(from, at), '"', number, '"');
        from = end;
      }
      at = end - 1;
    }
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(from);
}

/** The index of the quote that ends the string which begins at `at`; the last index of the text where none does. */
export function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
    if ((end - first) % 2 === 0) return end;
  }
  return text.length - 1;
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
