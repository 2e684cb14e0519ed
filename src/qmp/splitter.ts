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

export interface SplitResult {
  messages: unknown[];
  /** Characters of each message, on the wire. */
  sizes: number[];
  /** Set once, when a message exceeds the limit or is no JSON; the splitter is dead from then on. */
  error?: string;
}

/** How the nesting changes over one line, and how deep it gets beyond where it began; strings and their escapes are skipped. */
function nestingOf(line: string): { change: number; deepest: number } {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < line.length; i++) {
    const char = line.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === OPEN || char === 0x5b) {
      if (++depth > deepest) deepest = depth;
    } else if (char === CLOSE || char === 0x5d) depth--;
  }
  return { change: depth, deepest };
}

/** A text needs two characters for each level, so nearly no message is scanned. */
const isTooDeep = (line: string): boolean => line.length >= 2 * MAX_DEPTH && nestingOf(line).deepest > MAX_DEPTH;

export class Splitter {
  readonly #maxBytes: number;
  /** Bytes after the last line end. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Lines of a message that is not yet balanced. */
  #lines: string[] = [];
  #lineBytes = 0;
  #depth = 0;
  #error: string | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): SplitResult {
    if (this.#error !== undefined) return { messages: [], sizes: [] };
    const end = chunk.lastIndexOf(LF);
    const messages: unknown[] = [];
    const sizes: number[] = [];
    if (end < 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
    } else {
      const head = chunk.subarray(0, end);
      const bytes = this.#rest.length > 0 ? Buffer.concat([...this.#rest, head]) : head;
      const tail = chunk.subarray(end + 1);
      this.#rest = tail.length > 0 ? [tail] : [];
      this.#restBytes = tail.length;
      const exact = hasLongNumber(bytes);
      for (const line of bytes.toString('utf8').split('\n'))
        if (this.#error === undefined) this.#line(line, exact, messages, sizes);
    }
    if (this.#restBytes + this.#lineBytes > this.#maxBytes) this.#fail(`a message exceeds ${this.#maxBytes} bytes`);
    return this.#error === undefined ? { messages, sizes } : { messages, sizes, error: this.#error };
  }

  #line(line: string, exact: boolean, messages: unknown[], sizes: number[]): void {
    if (line.length > this.#maxBytes) return this.#fail(`a message exceeds ${this.#maxBytes} bytes`);
    if (this.#lines.length === 0) {
      // Nearly every line is a message by itself.
      const last = line.charCodeAt(line.length - (line.endsWith('\r') ? 2 : 1));
      const whole = line.charCodeAt(0) === OPEN && last === CLOSE;
      if (whole && isTooDeep(line)) return this.#fail(TOO_DEEP);
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
    const { change, deepest } = nestingOf(line);
    if (this.#depth + deepest > MAX_DEPTH) return this.#fail(TOO_DEEP);
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
  }

  #fail(error: string): void {
    this.#error = error;
    this.#rest = [];
    this.#lines = [];
  }
}
