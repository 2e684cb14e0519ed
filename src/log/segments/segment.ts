// One file of the log: the entries from its first offset on, and an index of some of their positions.
import { join } from 'node:path';

/** Bytes of records between two positions of the index. Read together, so one read of the disk serves some hundred entries. */
const INDEX_BYTES = 32_768;

/** A range of a file that is read at once. */
export interface Block {
  segment: Segment;
  /** Positions in the file. */
  from: number;
  to: number;
}

/** What a checkpoint says of a file that was full, so that a start need not read it. */
export interface SealedFile {
  first: number;
  last: number;
  size: number;
  shown: number;
  firstAt: number;
  lastAt: number;
}

export class Segment {
  readonly path: string;
  /** Offset of its first entry; the offset after the last one of the file before. */
  readonly first: number;
  /** Offset of its last entry, those for restarts alone included; `first - 1` where it has none. */
  last: number;
  /** Bytes of the file. */
  size: number;
  /** Entries that clients see. */
  shown = 0;
  /** Milliseconds since 1970 at which its last entry was written; of its creation where it has none. */
  lastAt: number;
  /** For some of its records, in order: the offset, the position in the file, and the time at which it was written. */
  readonly #offsets: number[] = [];
  readonly #positions: number[] = [];
  readonly #times: number[] = [];
  #sealed: SealedFile | undefined;
  /** It was found damaged, and is not read again. */
  isDamaged = false;

  constructor(folder: string, first: number, size: number, at: number) {
    this.path = join(folder, nameOf(first));
    this.first = first;
    this.last = first - 1;
    this.size = size;
    this.lastAt = at;
  }

  /** Milliseconds since 1970 at which its first entry was written. */
  get firstAt(): number {
    return this.#times[0] ?? this.#sealed?.firstAt ?? this.lastAt;
  }

  /** Whether its blocks are known; else the file is to be read once from its beginning, and given to {@link index}. */
  get isIndexed(): boolean {
    return this.#positions.length > 0 || this.isEmpty;
  }

  /** As a checkpoint says it. */
  get sealed(): SealedFile {
    const { first, last, size, shown, firstAt, lastAt } = this;
    return { first, last, size, shown, firstAt, lastAt };
  }

  seal(sealed: SealedFile): void {
    this.#sealed = sealed;
    this.last = sealed.last;
    this.shown = sealed.shown;
    this.lastAt = sealed.lastAt;
  }

  /** @param read the same file, as it was read from its beginning. */
  index(read: Segment): void {
    this.#offsets.push(...read.#offsets);
    this.#positions.push(...read.#positions);
    this.#times.push(...read.#times);
  }

  get isEmpty(): boolean {
    return this.last < this.first;
  }

  /** A record was written, or found, at `position`; `next` is the position after it. */
  add(offset: number, position: number, next: number, at: number): void {
    const indexed = this.#positions.at(-1);
    if (indexed === undefined || position - indexed >= INDEX_BYTES) {
      this.#offsets.push(offset);
      this.#positions.push(position);
      this.#times.push(at);
    }
    this.last = offset;
    this.lastAt = at;
    this.size = next;
  }

  /** The block that has the first entry after `offset`; `undefined` where the file has none. */
  blockAfter(offset: number): Block | undefined {
    if (offset >= this.last) return undefined;
    if (!this.isIndexed) return { segment: this, from: 0, to: this.size };
    const index = Math.max(0, above(this.#offsets, offset + 1) - 1);
    const from = this.#positions[index];
    if (from === undefined) return undefined;
    return { segment: this, from, to: this.#positions[index + 1] ?? this.size };
  }

  /** The blocks of about the last `bytes` of the file, and the offset before their first entry. */
  lastBlocks(bytes: number): { blocks: Block[]; after: number } {
    let index = this.#positions.length - 1;
    while (index > 0 && this.size - (this.#positions[index] ?? 0) < bytes) index -= 1;
    const blocks = this.#positions
      .slice(Math.max(0, index))
      .map((from, at, all): Block => ({ segment: this, from, to: all[at + 1] ?? this.size }));
    return { blocks, after: (this.#offsets[index] ?? this.first) - 1 };
  }

  /** The offset of an entry before the first one that was written at `time` or later, at most one block before it. */
  before(time: number): number {
    const index = above(this.#times, time - 1) - 1;
    return (this.#offsets[index] ?? this.first) - 1;
  }
}

/** Number of items that are at most `value`; the items increase. */
function above(items: readonly number[], value: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const SUFFIX = '.log';
const DIGITS = 16;

const nameOf = (first: number): string => `${String(first).padStart(DIGITS, '0')}${SUFFIX}`;

/** The first offset that the name of a file says; `undefined`: it is no file of the log. */
export function firstOf(name: string): number | undefined {
  const first = /^[0-9]{16}\.log$/.test(name) ? Number(name.slice(0, DIGITS)) : undefined;
  return Number.isSafeInteger(first) ? first : undefined;
}
