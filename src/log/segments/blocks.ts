// Older entries, read from the files in blocks. Readers that were away together want the same blocks, so a block is read once for all of them.
import type { Disk } from './disk.js';
import { readRecord } from './record.js';
import type { Block } from './segment.js';
import { StoredEntry } from './stored-entry.js';

/** Bytes of the blocks that are kept, as they are on the disk; in memory they take about twice that. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Entries that clients see; `upTo` is the offset of the last entry of the block. */
export interface ReadBlock {
  entries: readonly StoredEntry[];
  upTo: number;
}

/** Bytes of a file that were right when it was opened are no longer, or can't be read. */
export interface BlockFailure {
  block: Block;
  error: Error;
}

export class Blocks {
  readonly #disk: Disk;
  readonly #failed: (failure: BlockFailure) => void;
  /** The least recently used first. */
  readonly #read = new Map<string, ReadBlock & { bytes: number }>();
  readonly #reading = new Map<string, Promise<void>>();
  #bytes = 0;

  /** @param failed called before the promise of {@link read} resolves; the caller then reads from elsewhere. */
  constructor(disk: Disk, failed: (failure: BlockFailure) => void) {
    this.#disk = disk;
    this.#failed = failed;
  }

  /** The block, or the promise that it can be had now, or that it can't be read. */
  read(block: Block): ReadBlock | Promise<void> {
    const key = `${block.segment.first} ${block.from} ${block.to}`;
    const known = this.#read.get(key);
    if (known) {
      this.#read.delete(key);
      this.#read.set(key, known);
      return known;
    }
    let reading = this.#reading.get(key);
    if (!reading) {
      reading = this.#load(key, block).finally(() => this.#reading.delete(key));
      this.#reading.set(key, reading);
    }
    return reading;
  }

  async #load(key: string, block: Block): Promise<void> {
    const { segment, from, to } = block;
    try {
      const bytes = await this.#disk.read(segment.path, from, to - from);
      const read = { ...parseBlock(bytes), bytes: bytes.length };
      this.#read.set(key, read);
      this.#bytes += read.bytes;
    } catch (error) {
      this.#failed({ block, error: error instanceof Error ? error : new Error(String(error)) });
      return;
    }
    for (const [each, { bytes }] of this.#read) {
      if (this.#bytes <= MAX_BYTES || each === key) break;
      this.#read.delete(each);
      this.#bytes -= bytes;
    }
  }
}

/** @throws where the bytes are not whole records. */
export function parseBlock(bytes: Buffer): ReadBlock {
  const entries: StoredEntry[] = [];
  let upTo = 0;
  for (let at = 0; at < bytes.length; ) {
    const record = readRecord(bytes, at);
    if (record.kind !== 'record') throw new Error(`an entry is ${record.kind}`);
    const { head, text, next } = record;
    upTo = head.offset;
    if (!head.isInternal) entries.push(StoredEntry.parse(text.toString(), head.at));
    at = next;
  }
  return { entries, upTo };
}
