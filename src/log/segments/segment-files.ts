// The files of the log: the newest is written to, the oldest go by size and age once a checkpoint covers them.
import { NoAnswer } from '../../clock.js';
import type { Disk } from './disk.js';
import { recordBound, SEGMENT_HEAD_BYTES, segmentHead, writeRecord } from './record.js';
import { type Block, Segment } from './segment.js';
import type { StoredEntry } from './stored-entry.js';

export interface FileLimits {
  /** Bytes of all files; the oldest go beyond it. */
  maxBytes: number;
  /** Milliseconds that an entry is kept. */
  ageMs: number;
}

/** An entry to be written. */
export interface PendingEntry {
  entry: StoredEntry;
  isInternal: boolean;
  /** The next one belongs to the same append. */
  hasMore: boolean;
}

/** A file has an eighth of all bytes, so that retention is not coarse, within these bounds. */
const PARTS = 8;
const MIN_SEGMENT_BYTES = 65_536;
const MAX_SEGMENT_BYTES = 16 * 1024 * 1024;
const OVERDUE = 4;
/** Bytes of one write. */
const CHUNK_BYTES = 1024 * 1024;

/** Why files have gone. */
export type Freed = 'bytes' | 'age';

export class SegmentFiles {
  readonly #path: string;
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #segments: Segment[];
  #limits: FileLimits;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  /** Of the newest file; `undefined`: none is open. */
  #fd: number | undefined;
  #bytes = 0;
  #removed: Promise<void> = Promise.resolve();
  /** The files before the newest are on the disk. */
  #sealed: Promise<unknown> = Promise.resolve();
  /** Offset up to which a checkpoint covers the log. */
  covered: number;
  readonly freed: Record<Freed, number> = { bytes: 0, age: 0 };

  /** @param folder its name, as 16 hex digits. @param segments oldest first. */
  constructor(
    path: string,
    folder: string,
    segments: readonly Segment[],
    covered: number,
    limits: FileLimits,
    disk: Disk,
  ) {
    this.#path = path;
    this.#folder = folder;
    this.#disk = disk;
    this.#segments = [...segments];
    this.#limits = limits;
    this.covered = covered;
    for (const { size } of segments) this.#bytes += size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get entries(): number {
    let entries = 0;
    for (const { shown } of this.#segments) entries += shown;
    return entries;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get newest(): Segment | undefined {
    return this.#segments.at(-1);
  }

  /** Offset before the first entry that is in a file; `undefined`: there is none. */
  get before(): number | undefined {
    const [oldest] = this.#segments;
    return oldest && oldest.first - 1;
  }

  get #segmentBytes(): number {
    return Math.min(MAX_SEGMENT_BYTES, Math.max(MIN_SEGMENT_BYTES, Math.floor(this.#limits.maxBytes / PARTS)));
  }

  limit(limits: FileLimits): void {
    this.#limits = limits;
  }

  /** Goes on in the newest file, as it was found. @throws the error of the file system. */
  async reopen(): Promise<void> {
    const { newest } = this;
    if (newest) this.#fd = await this.#disk.open(newest.path);
  }

  /** Begins a file whose first entry will be `first`. @throws the error of the file system; then nothing has changed. */
  async begin(first: number, at: number): Promise<void> {
    const segment = new Segment(this.#path, first, 0, at);
    const fd = await this.#disk.create(segment.path);
    const head = segmentHead(this.#folder, first);
    try {
      await this.#put(fd, head, head.length, 0);
    } catch (error) {
      this.#leave(fd);
      void this.#disk.unlink(segment.path).catch(() => undefined);
      throw error;
    }
    const { newest } = this;
    // An empty one of that name was replaced.
    if (newest?.first === first) this.#forget(newest);
    const former = this.#fd;
    this.#fd = fd;
    segment.size = SEGMENT_HEAD_BYTES;
    this.#segments.push(segment);
    this.#bytes += segment.size;
    if (former === undefined) return;
    this.#sealed = Promise.all([this.#sealed, this.#disk.sync(former)]);
    const leave = (): void => this.#leave(former);
    this.#sealed.then(leave, leave);
  }

  /** Whether the newest file is full, or so old that its entries would stay beyond their age. */
  isDue(now: number): boolean {
    const { newest } = this;
    if (!newest || newest.isEmpty) return false;
    return newest.size >= this.#segmentBytes || now - newest.firstAt > this.#limits.ageMs / PARTS;
  }

  /** The newest file has several times what it should have, since no other could be made. */
  get isOverdue(): boolean {
    return (this.newest?.size ?? 0) >= OVERDUE * this.#segmentBytes;
  }

  /** Writes entries whose offsets follow the last one. @throws the error of the file system; then none of them is in the file. */
  async write(entries: readonly PendingEntry[]): Promise<void> {
    const { newest } = this;
    const fd = this.#fd;
    if (!newest || fd === undefined) throw new Error('no file is open');
    const begin = newest.size;
    /** Position in the file of the chunk, and bytes in it. */
    let [position, filled] = [begin, 0];
    const ends: number[] = [];
    try {
      for (const { entry, isInternal, hasMore } of entries) {
        const bound = recordBound(entry.json);
        if (filled > 0 && filled + bound > this.#chunk.length) {
          await this.#put(fd, this.#chunk, filled, position);
          position += filled;
          filled = 0;
        }
        if (bound > this.#chunk.length) this.#chunk = Buffer.allocUnsafe(bound);
        filled = writeRecord(
          this.#chunk,
          filled,
          { offset: entry.offset, at: entry.at, isInternal, hasMore },
          entry.json,
        );
        ends.push(position + filled);
      }
      if (filled > 0) await this.#put(fd, this.#chunk, filled, position);
    } catch (error) {
      // What was asked may still be written, from these bytes; the next start cuts it off, or finds an append that nobody was shown in this epoch.
      if (error instanceof NoAnswer) this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      else await this.#cut(fd, begin);
      throw error;
    } finally {
      if (this.#chunk.length > CHUNK_BYTES) this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    }
    let at = begin;
    for (const [index, { entry, isInternal }] of entries.entries()) {
      const next = ends[index] ?? at;
      newest.add(entry.offset, at, next, entry.at);
      if (!isInternal) newest.shown += 1;
      at = next;
    }
    this.#bytes += at - begin;
  }

  /** Resolves when everything written so far is on the disk. @throws where a part of it may never be, although the disk takes what follows. */
  async sync(): Promise<void> {
    await Promise.all([this.#sealed, this.#fd !== undefined && this.#disk.sync(this.#fd)]);
  }

  /** Files that are over the quota or too old, if a checkpoint covers them. They are removed from here at once, and from the disk soon. */
  retain(now: number): void {
    for (;;) {
      const [oldest] = this.#segments;
      if (!oldest || oldest === this.newest || oldest.last > this.covered) return;
      const why =
        this.#bytes > this.#limits.maxBytes ? 'bytes' : now - oldest.lastAt > this.#limits.ageMs ? 'age' : undefined;
      if (!why) return;
      this.#forget(oldest);
      this.freed[why] += oldest.shown;
      // One after the other, so that no kill leaves a hole among them.
      this.#removed = this.#removed.then(() => this.#disk.unlink(oldest.path)).catch(() => undefined);
    }
  }

  /** Removes the oldest file although it is within the quota, since the disk is full. @returns whether there was one that may go. */
  async freeOldest(): Promise<boolean> {
    const [oldest] = this.#segments;
    if (!oldest || oldest === this.newest || oldest.last > this.covered) return false;
    try {
      await this.#disk.unlink(oldest.path);
    } catch {
      return false;
    }
    if (this.#segments[0] !== oldest) return true;
    this.#forget(oldest);
    this.freed.bytes += oldest.shown;
    return true;
  }

  /** The block that has the first entry after `offset`. */
  blockAfter(offset: number): Block | undefined {
    let [low, high] = [0, this.#segments.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#segments[middle]?.last ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#segments[low]?.blockAfter(offset);
  }

  /** An offset before every entry that was written at `time` or later, and not long before. */
  offsetBefore(time: number): number | undefined {
    const segment = this.#segments.find(({ lastAt, isEmpty }) => !isEmpty && lastAt >= time);
    return segment?.before(time);
  }

  /** Nothing is written to the newest file any more. */
  abandon(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    this.#sealed = Promise.resolve();
    this.#leave(fd);
  }

  /** Nothing is written to it any more, so that it does not matter what the close says. */
  #leave(fd: number): void {
    void this.#disk.close(fd).catch(() => undefined);
  }

  /** The folder has none of them any more. */
  forgetAll(): void {
    for (const segment of [...this.#segments]) {
      this.#forget(segment);
      this.freed.bytes += segment.shown;
    }
    this.covered = 0;
  }

  #forget(segment: Segment): void {
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    this.#bytes -= segment.size;
  }

  async #put(fd: number, bytes: Buffer, length: number, position: number): Promise<void> {
    let done = 0;
    while (done < length) {
      // A disk that fills up takes a part, and refuses the rest when it is written again.
      const written = await this.#disk.write(fd, bytes.subarray(done, length), position + done);
      if (written === 0) throw new Error('the disk takes nothing');
      done += written;
    }
  }

  async #cut(fd: number, length: number): Promise<void> {
    try {
      await this.#disk.truncate(fd, length);
    } catch {
      // What is left of it ends within an append, which the next start cuts off.
    }
  }
}
