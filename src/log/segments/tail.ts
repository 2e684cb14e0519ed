// The newest entries in memory, without a gap up to the newest of all: live subscribers and those that were away for a moment read from here.
import { Queue } from '../queue.js';
import type { StoredEntry } from './stored-entry.js';

export class Tail {
  readonly #entries = new Queue<StoredEntry>();
  #bytes = 0;
  #maxBytes: number;
  /** Every entry after this offset is here. */
  #after: number;

  constructor(after: number, maxBytes: number) {
    this.#after = after;
    this.#maxBytes = maxBytes;
  }

  get after(): number {
    return this.#after;
  }

  get length(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): StoredEntry | undefined {
    return this.#entries.at(0);
  }

  at(index: number): StoredEntry | undefined {
    return this.#entries.at(index);
  }

  /** From now on it keeps so many bytes. @returns the number of entries that this removed. */
  resize(maxBytes: number): number {
    this.#maxBytes = maxBytes;
    return this.#shrink();
  }

  /** @returns the number of older entries that this removed. */
  push(entry: StoredEntry): number {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    return this.#shrink();
  }

  /** Index of the first entry after `offset`. */
  find(offset: number): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries.at(middle)?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #shrink(): number {
    let removed = 0;
    while (this.#bytes > this.#maxBytes && this.#entries.length > 1) {
      const oldest = this.#entries.shift();
      if (!oldest) break;
      this.#bytes -= oldest.bytes;
      this.#after = oldest.offset;
      removed += 1;
    }
    return removed;
  }
}
