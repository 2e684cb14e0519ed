// Splits a tool's bytes into messages. QMP needs no line ends: a message is complete where its braces balance, so that is what is looked for. A message
// is taken when it is asked for, so what a tool has sent beyond that waits as bytes.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;

/** QEMU parses 1,024 levels, and answers a deeper message without an id: on the gateway's connection nobody would know whose it is. */
const MAX_DEPTH = 128;
/** Bytes that stay allocated between messages. */
const SMALL = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** `excess`: a message beyond a limit; nothing comes after it. */
export type Framed = { kind: 'message'; text: string } | { kind: 'excess'; why: string };

export class RequestSplitter {
  readonly #maxBytes: number;
  #buffer = NOTHING;
  /** Of the message that has begun; where its bytes are looked at; and where the bytes end. */
  #start = 0;
  #at = 0;
  #end = 0;
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /** @returns `undefined`: no message is complete. */
  next(): Framed | undefined {
    while (this.#at < this.#end) {
      const isComplete = this.#step(this.#buffer[this.#at] ?? 0);
      this.#at += 1;
      if (this.#at - this.#start > this.#maxBytes)
        return { kind: 'excess', why: `a message exceeds ${this.#maxBytes} bytes` };
      if (this.#depth > MAX_DEPTH) return { kind: 'excess', why: `a message nests more than ${MAX_DEPTH} levels` };
      if (!isComplete) continue;
      const text = this.#buffer.toString('utf8', this.#start, this.#at).trim();
      this.#begin();
      if (text !== '') return { kind: 'message', text };
    }
    return undefined;
  }

  /** @returns whether the message ends with this byte; also where it can't be JSON any more. */
  #step(byte: number): boolean {
    if (this.#inString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return byte === LF;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === 0x7b || byte === 0x5b) this.#depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      this.#depth -= 1;
      return this.#depth <= 0;
    }
    return byte === LF && this.#depth === 0;
  }

  #begin(): void {
    this.#start = this.#at;
    this.#depth = 0;
    this.#inString = false;
    this.#isEscaped = false;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#at = 0;
    this.#end = 0;
    if (this.#buffer.length > SMALL) this.#buffer = NOTHING;
  }

  /** Moves the bytes to the front, or doubles the buffer: a tool may send byte by byte. */
  #makeRoom(bytes: number): void {
    const held = this.#end - this.#start;
    const isTight = 2 * (held + bytes) > this.#buffer.length;
    const target = isTight ? Buffer.allocUnsafe(2 * (held + bytes)) : this.#buffer;
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    this.#at -= this.#start;
    this.#start = 0;
    this.#end = held;
  }
}
