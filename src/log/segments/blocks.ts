// Older entries, read from the files in blocks. Readers that were away together want the same blocks, so a block is read once for all of them.
import { dirname } from 'node:path';
import { type Clock, NoAnswer } from '../../clock.js';
import type { Disk } from './disk.js';
import { errorOf } from './disk-report.js';
import { readRecord } from './record.js';
import { CHUNK, scan } from './scan.js';
import { type Block, Segment } from './segment.js';
import { StoredEntry } from './stored-entry.js';

/**
 * Bytes of the blocks that are kept, as they are on the disk, and for how many milliseconds after the last read: after a network failure thousands of
 * clients read on from about one position. In memory they take about twice that.
 */
const MAX_BYTES = 32 * 1024 * 1024;
const IDLE_MS = 10_000;

/** Milliseconds after which a read that this process had no descriptors or memory for is tried again. */
const SHORTAGE_MS = 100;
const SHORTAGES: readonly (string | undefined)[] = ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'EINTR'];

/** It says nothing of the file. */
const isShortage = (error: unknown): boolean => SHORTAGES.includes((error as NodeJS.ErrnoException).code);

/** Entries that clients see; `upTo` is the offset of the last entry of the block. */
export interface ReadBlock {
  entries: readonly StoredEntry[];
  upTo: number;
}

/** Bytes of a file that were right when it was opened are no longer, or can't be read; with `NoAnswer` the disk did not answer. */
export interface BlockFailure {
  block: Block;
  error: Error;
}

export class Blocks {
  readonly #disk: Pick<Disk, 'read'>;
  readonly #clock: Clock;
  #lastRead = 0;
  #stopForgetting: (() => void) | undefined;
  /** The name of the folder in its files. */
  readonly #folder: string;
  readonly #failed: (failure: BlockFailure) => void;
  /** The least recently used first. */
  readonly #read = new Map<string, ReadBlock & { bytes: number }>();
  readonly #reading = new Map<string, Promise<void>>();
  #bytes = 0;
  #isClosed = false;

  /** @param failed called before the promise of {@link read} resolves; the caller then reads from elsewhere. */
  constructor(disk: Pick<Disk, 'read'>, clock: Clock, folder: string, failed: (failure: BlockFailure) => void) {
    this.#disk = disk;
    this.#clock = clock;
    this.#folder = folder;
    this.#failed = failed;
  }

  /** The block, or the promise that it can be had now, or that it can't be read. */
  read(block: Block): ReadBlock | Promise<void> {
    if (!block.segment.isIndexed) return this.index(block.segment);
    this.#lastRead = this.#clock.now();
    this.#stopForgetting ??= this.#clock.every(IDLE_MS, () => this.#forget());
    const key = `${block.segment.first} ${block.from} ${block.to}`;
    const known = this.#read.get(key);
    if (known) {
      this.#read.delete(key);
      this.#read.set(key, known);
      return known;
    }
    return this.#once(key, () => this.#load(key, block));
  }

  /** Reads a file that a start has not read; everything in it is checked. */
  index(segment: Segment): Promise<void> {
    return this.#once(String(segment.first), async () => {
      const read = new Segment(dirname(segment.path), segment.first, segment.size, segment.lastAt);
      try {
        const end = await scan(
          read,
          this.#folder,
          { read: (...part) => this.#readOpen(...part) },
          () => undefined,
          CHUNK.live,
        );
        if (end !== 'whole' || read.last !== segment.last)
          throw new Error(`${segment.path} is ${end}, at byte ${read.size}`);
        if (!segment.isIndexed) segment.index(read);
      } catch (error) {
        if (this.#isClosed) return;
        if (isShortage(error)) return this.#pause();
        // A disk that does not answer says nothing of the file.
        segment.isDamaged = !(error instanceof NoAnswer);
        this.#failed({ block: { segment, from: 0, to: segment.size }, error: errorOf(error) });
      }
    });
  }

  /** What has been read of a file so far is dropped. */
  close(): void {
    this.#isClosed = true;
    this.#lastRead = Number.NEGATIVE_INFINITY;
    this.#forget();
  }

  #forget(): void {
    if (this.#clock.now() - this.#lastRead < IDLE_MS) return;
    this.#stopForgetting?.();
    this.#stopForgetting = undefined;
    this.#read.clear();
    this.#bytes = 0;
  }

  #once(key: string, read: () => Promise<void>): Promise<void> {
    const known = this.#reading.get(key);
    if (known) return known;
    const reading = read().finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  async #readOpen(...part: Parameters<Disk['read']>): Promise<Buffer> {
    if (this.#isClosed) throw new Error('the log is closed');
    return this.#disk.read(...part);
  }

  /** Who asked asks again. */
  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(SHORTAGE_MS, resolve));
  }

  async #load(key: string, block: Block): Promise<void> {
    const { segment, from, to } = block;
    try {
      const bytes = await this.#disk.read(segment.path, from, to - from);
      const read = { ...parseBlock(bytes), bytes: bytes.length };
      this.#read.set(key, read);
      this.#bytes += read.bytes;
    } catch (error) {
      if (isShortage(error)) return this.#pause();
      this.#failed({ block, error: errorOf(error) });
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
