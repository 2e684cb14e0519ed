// Text to a QEMU before 8.0 over TLS. Its monitor reads one byte at a time, and what is left of a TLS record stays unread until the next record comes
// (fixed by QEMU's commit ffda5db65a), so a command in one record would wait for ever. A record for each byte is read as it comes.
import type { QmpGreeting } from './qapi.js';

/** What is written to: a socket with TLS. */
export interface RecordSink {
  /** @param done called later, when the bytes are a record; what is written before that may share one. */
  write(bytes: Uint8Array, done: () => void): unknown;
}

export const needsByteRecords = ({ version }: QmpGreeting): boolean => version.qemu.major < 8;

export class ByteRecords {
  readonly #sink: RecordSink;
  /** The first one is being written, from `#at` on. */
  readonly #waiting: Buffer[] = [];
  #at = 0;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  write(text: string): void {
    if (text === '') return;
    this.#waiting.push(Buffer.from(text));
    if (this.#waiting.length === 1) this.#next();
  }

  #next(): void {
    const [first] = this.#waiting;
    if (!first) return;
    const byte = first.subarray(this.#at, this.#at + 1);
    this.#sink.write(byte, () => {
      this.#at += 1;
      if (this.#at === first.length) {
        this.#waiting.shift();
        this.#at = 0;
      }
      this.#next();
    });
  }
}
