// Bytes of a monitor in, whole JSON messages out, parsed. QEMU ends every message with CRLF; a monitor with `pretty=on` spreads one
// over many lines. A line that parses is a message; otherwise lines are joined until the braces balance. A string can't span
// lines (JSON has no raw line break in strings), so the depth is all that is carried from line to line.
import { hasLongNumber, parseJson } from './json.js';

const LF = 10;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * Arrays and objects within each other. QEMU's own events nest less than ten; it parses 1,024 itself. What is deeper would overflow the stack of
 * the code that walks it, here or in a client.
 */
const MAX_DEPTH = 128;
const TOO_DEEP = `a message nests more than ${MAX_DEPTH} levels`;

/** Values in one message: parsed, each takes some 50 bytes, however short it is. The queries of 16,384 mirrors have half as many. */
const MAX_VALUES = 1_048_576;
const TOO_MANY = `a message has more than ${MAX_VALUES} values`;

export interface SplitResult {
  messages: unknown[];
  /** Characters of each message, on the wire. */
  sizes: number[];
  /** Set once, when a message exceeds the limit or is no JSON; the splitter is dead from then on. */
  error?: string;
}

interface Shape {
  /** How the nesting changes over a line, and how deep it gets beyond where it began. */
  change: number;
  deepest: number;
  /** About how many values it has, and so at the most what it costs to keep. */
  values: number;
}

/** Strings and their escapes are skipped. */
function shapeOf(line: string): Shape {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let inString = false;
  for (let i = 0; i < line.length; i++) {
    const char = line.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === OPEN || char === 0x5b) {
      values++;
      if (++depth > deepest) deepest = depth;
    } else if (char === CLOSE || char === 0x5d) depth--;
    else if (char === 0x2c) values++;
  }
  return { change: depth, deepest, values };
}

/** Why a message of that shape is not parsed. */
function excessOf(deepest: number, values: number): string | undefined {
  if (deepest > MAX_DEPTH) return TOO_DEEP;
  return values > MAX_VALUES ? TOO_MANY : undefined;
}

/** A text needs two characters for each level, so nearly no message is scanned. */
function excessOfLine(line: string): string | undefined {
  if (line.length < 2 * MAX_DEPTH) return undefined;
  const { deepest, values } = shapeOf(line);
  return excessOf(deepest, values);
}

const NOTHING = Buffer.alloc(0);
/** Bytes that are kept allocated between messages. */
const SMALL = 64 * 1024;

export class Splitter {
  readonly #maxBytes: number;
  /** What came after the last line end, at the beginning of a buffer that grows: a peer may send byte by byte. */
  #rest = NOTHING;
  #restBytes = 0;
  /** Lines of a message that is not yet balanced. */
  #lines: string[] = [];
  #lineBytes = 0;
  #depth = 0;
  #values = 0;
  #error: string | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): SplitResult {
    if (this.#error !== undefined) return { messages: [], sizes: [] };
    const end = chunk.lastIndexOf(LF);
    const messages: unknown[] = [];
    const sizes: number[] = [];
    if (end < 0) this.#keep(chunk);
    else {
      const head = chunk.subarray(0, end);
      const bytes = this.#restBytes > 0 ? Buffer.concat([this.#rest.subarray(0, this.#restBytes), head]) : head;
      this.#restBytes = 0;
      if (this.#rest.length > SMALL) this.#rest = NOTHING;
      this.#keep(chunk.subarray(end + 1));
      const exact = hasLongNumber(bytes);
      for (const line of bytes.toString('utf8').split('\n'))
        if (this.#error === undefined) this.#line(line, exact, messages, sizes);
    }
    if (this.#restBytes + this.#lineBytes > this.#maxBytes) this.#fail(`a message exceeds ${this.#maxBytes} bytes`);
    return this.#error === undefined ? { messages, sizes } : { messages, sizes, error: this.#error };
  }

  #keep(tail: Buffer): void {
    const bytes = this.#restBytes + tail.length;
    if (bytes > this.#rest.length) {
      const grown = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#rest.length));
      this.#rest.copy(grown, 0, 0, this.#restBytes);
      this.#rest = grown;
    }
    tail.copy(this.#rest, this.#restBytes);
    this.#restBytes = bytes;
  }

  #line(line: string, exact: boolean, messages: unknown[], sizes: number[]): void {
    if (line.length > this.#maxBytes) return this.#fail(`a message exceeds ${this.#maxBytes} bytes`);
    if (this.#lines.length === 0) {
      // Nearly every line is a message by itself.
      const last = line.charCodeAt(line.length - (line.endsWith('\r') ? 2 : 1));
      const whole = line.charCodeAt(0) === OPEN && last === CLOSE;
      const excess = whole ? excessOfLine(line) : undefined;
      if (excess) return this.#fail(excess);
      const parsed = whole ? parseJson(line, exact) : undefined;
      if (parsed?.ok) {
        messages.push(parsed.value);
        sizes.push(line.length);
        return;
      }
      if (line.trim() === '') return;
    }
    this.#lines.push(line);
    this.#lineBytes += line.length + 1;
    const { change, deepest, values } = shapeOf(line);
    this.#values += values;
    const excess = excessOf(this.#depth + deepest, this.#values);
    if (excess) return this.#fail(excess);
    this.#depth += change;
    if (this.#depth > 0) return;
    const text = this.#lines.join('\n');
    const parsed = parseJson(text);
    if (parsed.ok) {
      messages.push(parsed.value);
      sizes.push(text.length);
    } else this.#fail(`not JSON: ${parsed.error}`);
    this.#lines = [];
    this.#lineBytes = 0;
    this.#depth = 0;
    this.#values = 0;
  }

  #fail(error: string): void {
    this.#error = error;
    this.#rest = NOTHING;
    this.#lines = [];
  }
}
