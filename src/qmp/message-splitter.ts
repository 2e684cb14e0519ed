// Splits a monitor's bytes into JSON messages and parses them. QEMU ends every message with CRLF; a monitor with `pretty=on` spreads one over several
// lines. A line that parses is a message; otherwise lines are joined until the braces balance. JSON strings have no raw line breaks, so the depth is
// the only state between lines.
import { endOfString, hasLongNumber, parseJson } from './json.js';

const LF = 10;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * Nesting of arrays and objects. QEMU's own events nest less than ten levels, and QEMU parses up to 1,024. Recursive code, here or in a client, could
 * overflow its stack on deeper values.
 */
const MAX_DEPTH = 128;
const TOO_DEEP = `a message nests more than ${MAX_DEPTH} levels`;

/** Values in one message. Each takes some 50 bytes once parsed, however short its text. The replies for 16,384 mirrors have half as many. */
const MAX_VALUES = 1_048_576;
const TOO_MANY = `a message has more than ${MAX_VALUES} values`;

export interface SplitResult {
  messages: unknown[];
  /** Each message as it came, where texts are kept; its line end may be there in part. */
  texts: string[];
  /** Characters of each message, on the wire. */
  sizes: number[];
  /** Set once, when a message exceeds a limit or is not JSON; after that the splitter gives nothing more. */
  error?: string;
}

interface Shape {
  /** Change of the nesting depth over a line, and the greatest depth within it, relative to its beginning. */
  change: number;
  deepest: number;
  /** Number of values, estimated from above. */
  values: number;
}

/** Brackets and commas in strings are skipped. */
function shapeOf(line: string): Shape {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  for (let i = 0; i < line.length; i++) {
    const char = line.charCodeAt(i);
    if (char === 0x22) i = endOfString(line, i);
    else if (char === OPEN || char === 0x5b) {
      values++;
      if (++depth > deepest) deepest = depth;
    } else if (char === CLOSE || char === 0x5d) depth--;
    else if (char === 0x2c) values++;
  }
  return { change: depth, deepest, values };
}

/** Why a message of that shape is not parsed; `undefined`: it is. */
function excessOf(deepest: number, values: number): string | undefined {
  if (deepest > MAX_DEPTH) return TOO_DEEP;
  return values > MAX_VALUES ? TOO_MANY : undefined;
}

/** Each level takes two characters, so most messages are too short to need a scan. */
function excessOfLine(line: string): string | undefined {
  if (line.length < 2 * MAX_DEPTH) return undefined;
  const { deepest, values } = shapeOf(line);
  return excessOf(deepest, values);
}

const NOTHING = Buffer.alloc(0);
/** Bytes that stay allocated between messages. */
const SMALL = 64 * 1024;

export class MessageSplitter {
  readonly #maxBytes: number;
  readonly #keepsTexts: boolean;
  /** What came after the last line end. The buffer grows by doubling, since a peer may send byte by byte. */
  #rest = NOTHING;
  #restBytes = 0;
  /** Lines of a message whose braces are not yet balanced. */
  #lines: string[] = [];
  #lineBytes = 0;
  #depth = 0;
  #values = 0;
  #error: string | undefined;

  /** @param keepsTexts whether texts are wanted: they would outlive the parsing of all messages of a chunk, which costs 3 %. */
  constructor(maxBytes: number, keepsTexts = false) {
    this.#maxBytes = maxBytes;
    this.#keepsTexts = keepsTexts;
  }

  push(chunk: Buffer): SplitResult {
    if (this.#error !== undefined) return { messages: [], texts: [], sizes: [] };
    const end = chunk.lastIndexOf(LF);
    const result: SplitResult = { messages: [], texts: [], sizes: [] };
    if (end < 0) this.#keep(chunk);
    else {
      const head = chunk.subarray(0, end);
      const bytes = this.#restBytes > 0 ? Buffer.concat([this.#rest.subarray(0, this.#restBytes), head]) : head;
      this.#restBytes = 0;
      if (this.#rest.length > SMALL) this.#rest = NOTHING;
      this.#keep(chunk.subarray(end + 1));
      const exact = hasLongNumber(bytes);
      for (const line of bytes.toString('utf8').split('\n'))
        if (this.#error === undefined) this.#line(line, exact, result);
    }
    if (this.#restBytes + this.#lineBytes > this.#maxBytes) this.#fail(`a message exceeds ${this.#maxBytes} bytes`);
    if (this.#error !== undefined) result.error = this.#error;
    return result;
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

  #line(line: string, exact: boolean, { messages, texts, sizes }: SplitResult): void {
    if (line.length > this.#maxBytes) return this.#fail(`a message exceeds ${this.#maxBytes} bytes`);
    if (this.#lines.length === 0) {
      // Most lines are a whole message.
      const last = line.charCodeAt(line.length - (line.endsWith('\r') ? 2 : 1));
      const whole = line.charCodeAt(0) === OPEN && last === CLOSE;
      const excess = whole ? excessOfLine(line) : undefined;
      if (excess) return this.#fail(excess);
      const parsed = whole ? parseJson(line, exact) : undefined;
      if (parsed?.ok) {
        messages.push(parsed.value);
        if (this.#keepsTexts) texts.push(line);
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
      if (this.#keepsTexts) texts.push(text);
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
