// The log of one epoch in memory: it ends with the process. Bounded by count, bytes and age, with a quota for each source so that one noisy QEMU
// can't evict the rest.
import { NEVER, type Observable } from 'rxjs';
import { Broadcast } from '../broadcast.js';
import { CLOCK, type Clock } from '../clock.js';
import { formatCursor } from '../protocol/cursor.js';
import type { EntryDraft } from '../protocol/draft.js';
import type { Cursor } from '../protocol/types.js';
import { KeptEntry, type SourcePartition } from './entry.js';
import type { EventLog, Eviction, LoggedEntry, LogStatus, Slice } from './event-log.js';
import { Queue } from './queue.js';

export interface LogLimits {
  /** Entries retained for one source. */
  perSource: number;
  /** Entries, and bytes of entries, retained in all. */
  total: number;
  totalBytes: number;
  /** Milliseconds that an entry is retained. */
  ageMs: number;
}

/** For 1,000 sources: 262 entries each while all are busy, 16,384 for one alone; about 64 MiB at the most. */
export const LOG_LIMITS: LogLimits = {
  perSource: 16_384,
  total: 262_144,
  totalBytes: 64 * 1024 * 1024,
  ageMs: 15 * 60_000,
};

export interface LogOptions {
  limits?: Partial<LogLimits>;
  /** Names the log; default random. */
  epoch?: string;
  clock?: Clock;
}

export class MemoryLog implements EventLog {
  readonly epoch: string;
  readonly entries$: Observable<LoggedEntry>;
  /** Never: memory takes every entry. */
  readonly failed = new Promise<never>(() => {});
  readonly replaced$ = NEVER;
  readonly #entries = new Broadcast<LoggedEntry>();
  readonly #limits: LogLimits;
  readonly #clock: Clock;
  readonly #all = new Queue<KeptEntry>();
  readonly #partitions = new Map<string, SourcePartition>();
  #head = 0;
  /** Offset of the newest evicted entry: after it nothing is missing for any reader. */
  #evictedUpTo = 0;
  /** Entries up to this offset were never here, whatever their source. */
  #floor = 0;
  #live = 0;
  #bytes = 0;
  readonly #evicted: Record<Eviction, number> = { source: 0, entries: 0, bytes: 0, age: 0 };

  constructor(options: LogOptions = {}) {
    this.#clock = options.clock ?? CLOCK;
    this.epoch = options.epoch ?? this.#clock.token(4);
    this.#limits = { ...LOG_LIMITS, ...options.limits };
    this.entries$ = this.#entries.values$;
  }

  get head(): number {
    return this.#head;
  }

  get cursor(): Cursor {
    return formatCursor(this.epoch, this.#head);
  }

  /** After it nothing is missing, whatever the source. */
  get completeAfter(): number {
    return this.#evictedUpTo;
  }

  get status(): LogStatus {
    const { total, totalBytes, ageMs: maxAgeMs } = this.#limits;
    const oldest = this.#all.at(0);
    return {
      entries: this.#live,
      bytes: this.#bytes,
      maxEntries: total,
      maxBytes: totalBytes,
      ageMs: oldest ? Math.max(0, this.#clock.now() - oldest.at) : 0,
      maxAgeMs,
      evicted: { ...this.#evicted },
      waitingBytes: 0,
      maxWaitingBytes: 0,
      isRetrying: false,
    };
  }

  append(drafts: readonly EntryDraft[], shown?: () => void): void {
    for (const draft of drafts) if (!draft.internal) this.insert(draft, this.#head + 1, 0);
    shown?.();
  }

  /**
   * Appends an entry that has its place already.
   *
   * @param offset greater than that of every entry before.
   * @param ageMs milliseconds since it was appended first.
   */
  insert(draft: EntryDraft, offset: number, ageMs: number): void {
    this.#head = offset;
    const { position } = draft;
    if (position) position.cursor = this.cursor;
    const partition = this.#partition(draft.source);
    // Whole milliseconds are small integers, which live in the entry itself.
    const entry = new KeptEntry(offset, draft, Math.trunc(this.#clock.now() - ageMs), partition);
    const { bytes } = entry;
    this.#all.push(entry);
    partition.kept.push(entry);
    partition.live += 1;
    this.#live += 1;
    this.#bytes += bytes;
    this.#retain(partition, entry.at);
    this.#entries.next(entry);
  }

  get begin(): number {
    return this.#floor;
  }

  /** Before the first entry: there were others up to that offset, which this log does not have. */
  beginAfter(offset: number): void {
    this.#head = offset;
    this.#floor = offset;
    this.#evictedUpTo = offset;
  }

  retainsAfter(offset: number, wants: (source: string) => boolean): boolean {
    if (offset > this.#head) return false;
    return offset >= this.#evictedUpTo || offset >= this.evictedUpTo(wants);
  }

  readAfter(offset: number, limit: number): Slice {
    const entries: LoggedEntry[] = [];
    let at = this.#find(offset);
    for (; entries.length < limit; at++) {
      const kept = this.#all.at(at);
      if (!kept) return { entries, examined: this.#head };
      if (!kept.evicted) entries.push(kept);
    }
    return { entries, examined: entries.at(-1)?.offset ?? offset };
  }

  offsetBefore(
    count: number,
    wants: (entry: LoggedEntry) => boolean,
    isEnough: (examined: number) => boolean,
  ): { offset: number; truncated: boolean } {
    let found = 0;
    let examined = 0;
    let offset = this.#head;
    for (let at = this.#all.length - 1; at >= 0 && found < count; at--) {
      const entry = this.#all.at(at);
      if (!entry || entry.evicted) continue;
      if (isEnough(examined)) return { offset, truncated: true };
      examined += 1;
      offset = entry.offset - 1;
      if (wants(entry)) found += 1;
    }
    return { offset, truncated: false };
  }

  evictedUpTo(wants: (source: string) => boolean): number {
    let offset = this.#floor;
    for (const [name, partition] of this.#partitions)
      if (partition.evictedUpTo > offset && wants(name)) offset = partition.evictedUpTo;
    return offset;
  }

  offsetAt(time: number): number {
    const since = time - this.#clock.date() + this.#clock.now();
    let [low, high] = [0, this.#all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#all.at(middle)?.at ?? 0) < since) low = middle + 1;
      else high = middle;
    }
    return (this.#all.at(low)?.offset ?? this.#head + 1) - 1;
  }

  async close(): Promise<void> {
    this.#entries.complete();
  }

  /** Index of the first entry after `offset`. */
  #find(offset: number): number {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#all.at(middle)?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #partition(name: string): SourcePartition {
    const known = this.#partitions.get(name);
    if (known) return known;
    const partition: SourcePartition = { kept: new Queue(), live: 0, evictedUpTo: 0 };
    this.#partitions.set(name, partition);
    return partition;
  }

  #retain(source: SourcePartition, now: number): void {
    const { perSource, total, totalBytes, ageMs } = this.#limits;
    while (source.live > perSource) this.#evict(source.kept.at(0), 'source');
    for (;;) {
      const oldest = this.#all.at(0);
      if (!oldest) break;
      const over =
        now - oldest.at > ageMs
          ? 'age'
          : this.#live > total
            ? 'entries'
            : this.#bytes > totalBytes
              ? 'bytes'
              : undefined;
      if (over) this.#evict(oldest, over);
      else if (!oldest.evicted) break;
      this.#all.shift();
    }
    // Evictions by a source's quota leave holes between the entries of quieter sources.
    if (this.#all.length > 2 * this.#live + 1_024) this.#all.filter((kept) => !kept.evicted);
  }

  /** The oldest entry of all is also the oldest of its source, so both queues lose only their first item. */
  #evict(kept: KeptEntry | undefined, why: Eviction): void {
    if (!kept || kept.evicted) return;
    kept.evicted = true;
    this.#evicted[why] += 1;
    const { partition, offset, bytes } = kept;
    partition.kept.shift();
    partition.live -= 1;
    partition.evictedUpTo = offset;
    this.#evictedUpTo = Math.max(this.#evictedUpTo, offset);
    this.#live -= 1;
    this.#bytes -= bytes;
  }
}
