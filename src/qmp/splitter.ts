// Bytes of a monitor in, texts of whole JSON messages out. QEMU ends every message with CRLF; a monitor with `pretty=on` spreads
// one over many lines. A line that is balanced by itself is a message; otherwise lines are joined until the braces balance.
// A string can't span lines (JSON has no raw line break in strings), so the depth is all that is carried from line to line.

const LF = 10;

export interface SplitResult {
  messages: string[];
  /** Set once, when a message exceeds the limit; the splitter is dead from then on. */
  error?: string;
}

/** The change of nesting depth over one line; strings and their escapes are skipped. */
function depthOf(line: string): number {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < line.length; i++) {
    const char = line.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) depth++;
    else if (char === 0x7d || char === 0x5d) depth--;
  }
  return depth;
}

export class Splitter {
  readonly #maxBytes: number;
  /** Bytes after the last line end. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Lines of a message that is not yet balanced. */
  #lines: string[] = [];
  #lineBytes = 0;
  #depth = 0;
  #dead = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): SplitResult {
    if (this.#dead) return { messages: [] };
    const end = chunk.lastIndexOf(LF);
    if (end < 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      return this.#checked([]);
    }
    const head = chunk.subarray(0, end);
    const text = (this.#rest.length > 0 ? Buffer.concat([...this.#rest, head]) : head).toString('utf8');
    const tail = chunk.subarray(end + 1);
    this.#rest = tail.length > 0 ? [tail] : [];
    this.#restBytes = tail.length;
    const messages: string[] = [];
    for (const line of text.split('\n')) this.#line(line, messages);
    return this.#checked(messages);
  }

  #line(line: string, messages: string[]): void {
    const depth = depthOf(line);
    if (this.#lines.length === 0) {
      if (depth === 0) {
        if (line.trim() !== '') messages.push(line);
        return;
      }
    }
    this.#lines.push(line);
    this.#lineBytes += line.length + 1;
    this.#depth += depth;
    if (this.#depth > 0) return;
    messages.push(this.#lines.join('\n'));
    this.#lines = [];
    this.#lineBytes = 0;
    this.#depth = 0;
  }

  #checked(messages: string[]): SplitResult {
    const oversized = messages.some((message) => message.length > this.#maxBytes);
    if (!oversized && this.#restBytes + this.#lineBytes <= this.#maxBytes) return { messages };
    this.#dead = true;
    this.#rest = [];
    this.#lines = [];
    return { messages: oversized ? [] : messages, error: `a message exceeds ${this.#maxBytes} bytes` };
  }
}
