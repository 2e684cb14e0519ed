// The log on disk: an entry is written before it is shown, with everything else that the same callback appends, a piece of a monitor's bytes mostly. While
// the disk takes nothing the log goes on in memory under another epoch.
import { type Observable, Subject } from 'rxjs';
import { Broadcast } from '../../broadcast.js';
import type { Clock } from '../../clock.js';
import { formatCursor } from '../../protocol/cursor.js';
import type { EntryDraft } from '../../protocol/draft.js';
import type { Cursor } from '../../protocol/types.js';
import type { EventLog, LoggedEntry, LogStatus, Slice } from '../event-log.js';
import type { Blocks } from './blocks.js';
import type { DiskKeeper } from './disk-keeper.js';
import type { Beginning, KeptLog } from './disk-report.js';
import type { PendingEntry } from './segment-files.js';
import { StoredEntry } from './stored-entry.js';
import { Tail } from './tail.js';

export interface SegmentLogLimits {
  /** Bytes of the newest entries in memory, and while the disk takes nothing. */
  tailBytes: number;
  memoryBytes: number;
}

interface Append {
  drafts: readonly EntryDraft[];
  shown: (() => void) | undefined;
}

export class SegmentLog implements EventLog, KeptLog {
  readonly entries$: Observable<LoggedEntry>;
  readonly replaced$: Observable<void>;
  /** Never: without the disk it goes on in memory. */
  readonly failed = new Promise<never>(() => {});
  readonly #entries = new Broadcast<LoggedEntry>();
  readonly #replacements$ = new Subject<void>();
  readonly #keeper: DiskKeeper;
  readonly #blocks: Blocks;
  readonly #limits: SegmentLogLimits;
  readonly #clock: Clock;
  #epoch: string;
  #head: number;
  /** Offset of the last entry that was appended. */
  #last: number;
  #at: number;
  #begin: number;
  /** Entries up to it are of another epoch, or can't be read any more. */
  #floor: number;
  #tail: Tail;
  #pending: Append[] = [];
  #isScheduled = false;
  /** Entries that were written and wait to be on the disk. */
  #syncing: Promise<void> | undefined;
  #isClosed = false;
  #lost = 0;

  constructor(beginning: Beginning, keeper: DiskKeeper, limits: SegmentLogLimits, clock: Clock) {
    this.#epoch = beginning.epoch;
    this.#begin = beginning.begin;
    this.#floor = beginning.floor;
    this.#last = beginning.last;
    this.#head = beginning.head;
    this.#at = beginning.at;
    this.#keeper = keeper;
    this.#limits = limits;
    this.#clock = clock;
    this.#tail = new Tail(beginning.last, limits.tailBytes);
    this.#blocks = keeper.openBlocks(({ block, error }) => this.#unreadable(block.segment.last, error));
    this.entries$ = this.#entries.values$;
    this.replaced$ = this.#replacements$.asObservable();
  }

  get epoch(): string {
    return this.#epoch;
  }

  get head(): number {
    return this.#head;
  }

  get cursor(): Cursor {
    return formatCursor(this.#epoch, this.#head);
  }

  get begin(): number {
    return this.#begin;
  }

  get status(): LogStatus {
    const { files, limits, oldestAt, problem } = this.#keeper;
    const { bytes, entries, freed } = files;
    const isOnDisk = problem === undefined;
    const oldest = isOnDisk ? oldestAt : this.#tail.oldest?.at;
    return {
      entries: isOnDisk ? entries : this.#tail.length,
      bytes: isOnDisk ? bytes : this.#tail.bytes,
      maxEntries: Number.POSITIVE_INFINITY,
      maxBytes: isOnDisk ? limits.maxBytes : this.#limits.memoryBytes,
      ageMs: oldest === undefined ? 0 : Math.max(0, this.#clock.date() - oldest),
      maxAgeMs: limits.ageMs,
      evicted: { source: 0, entries: 0, bytes: freed.bytes + this.#lost, age: freed.age },
      waitingBytes: 0,
      maxWaitingBytes: 0,
      isRetrying: !isOnDisk,
      disk: { problem },
    };
  }

  append(drafts: readonly EntryDraft[], shown?: () => void): void {
    if (this.#isClosed) return;
    // Nothing waits and nothing is added, so everything appended is shown.
    if (drafts.length === 0 && this.#pending.length === 0 && !this.#syncing) return shown?.();
    this.#pending.push({ drafts, shown });
    this.#schedule();
  }

  retainsAfter(offset: number): boolean {
    return offset <= this.#head && offset >= this.#retainedAfter;
  }

  readAfter(offset: number, limit: number): Slice {
    const entries: LoggedEntry[] = [];
    if (offset >= this.#tail.after) {
      for (let at = this.#tail.find(offset); entries.length < limit; at++) {
        const entry = this.#tail.at(at);
        if (!entry) return { entries, examined: this.#head };
        entries.push(entry);
      }
      return { entries, examined: entries.at(-1)?.offset ?? offset };
    }
    let examined = offset;
    while (entries.length < limit && examined < Math.min(this.#tail.after, this.#head)) {
      const block = this.#keeper.blockAfter(examined);
      // Its file has just gone: the next call finds that nothing is retained here.
      if (!block) break;
      const read = this.#blocks.read(block);
      if (read instanceof Promise)
        return examined === offset ? { entries, examined, pending: read } : { entries, examined };
      for (const entry of read.entries) {
        if (entry.offset <= examined) continue;
        if (entries.length >= limit || entry.offset > this.#head) return { entries, examined };
        entries.push(entry);
        examined = entry.offset;
      }
      examined = Math.min(read.upTo, this.#head);
    }
    return { entries, examined };
  }

  offsetBefore(
    count: number,
    wants: (entry: LoggedEntry) => boolean,
    isEnough: (examined: number) => boolean,
  ): { offset: number; truncated: boolean } {
    let found = 0;
    let offset = this.#head;
    for (let at = this.#tail.length - 1, examined = 0; at >= 0 && found < count; at--, examined++) {
      const entry = this.#tail.at(at);
      if (!entry || entry.offset <= this.#floor) break;
      if (isEnough(examined)) return { offset, truncated: true };
      offset = entry.offset - 1;
      if (wants(entry)) found += 1;
    }
    // Those before are in the files, which are not searched backwards.
    return { offset, truncated: found < count && offset > this.#retainedAfter };
  }

  evictedUpTo(): number {
    return this.#retainedAfter;
  }

  /** Offset before the first entry that was appended at that time or later, or somewhat before. @param time milliseconds since 1970. */
  offsetAt(time: number): number {
    const oldest = this.#tail.oldest;
    if (oldest && oldest.at < time) {
      let at = this.#tail.length - 1;
      while (at >= 0 && (this.#tail.at(at)?.at ?? 0) >= time) at -= 1;
      return this.#tail.at(at)?.offset ?? this.#head;
    }
    const offset = this.#keeper.offsetBefore(time) ?? this.#tail.after;
    return Math.min(this.#head, Math.max(offset, this.#retainedAfter));
  }

  /** The newest entries of the folder, which a start reads. */
  fill({ entries, after }: { entries: readonly StoredEntry[]; after: number }): void {
    const tail = new Tail(Math.min(after, this.#head), this.#limits.tailBytes);
    for (const entry of entries) tail.push(entry);
    this.#tail = tail;
  }

  async close(): Promise<void> {
    this.#flush();
    while (this.#syncing) {
      await this.#syncing;
      this.#flush();
    }
    this.#isClosed = true;
    await this.#keeper.close(this.#last);
    this.#entries.complete();
    this.#replacements$.complete();
  }

  /** Every entry after it is in the tail or in a file. */
  get #retainedAfter(): number {
    const inFiles = this.#keeper.readableAfter;
    return Math.max(this.#floor, Math.min(this.#tail.after, inFiles ?? this.#tail.after));
  }

  #schedule(): void {
    if (this.#isScheduled || this.#syncing) return;
    this.#isScheduled = true;
    this.#clock.next(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#pending.length === 0 || this.#syncing) return;
    const appends = this.#pending;
    this.#pending = [];
    const entries = this.#number(appends);
    const written = this.#keeper.write(entries);
    if (!written) return this.#show(appends, entries);
    for (const { drafts } of appends) for (const { position } of drafts) if (position) position.cursor = undefined;
    this.#syncing = written.then(() => {
      this.#syncing = undefined;
      this.#show(appends, entries);
      if (this.#pending.length > 0) this.#schedule();
    });
  }

  /** Gives entries their offsets. An entry may name the cursor of an earlier one, so each has its cursor before the next is encoded. */
  #number(appends: readonly Append[]): PendingEntry[] {
    // A clock that was set back changes nothing here: these times never decrease.
    this.#at = Math.max(this.#at, Math.trunc(this.#clock.date()));
    const entries: PendingEntry[] = [];
    for (const { drafts } of appends)
      for (const [index, draft] of drafts.entries()) {
        this.#last += 1;
        if (draft.position) draft.position.cursor = formatCursor(this.#epoch, this.#last);
        const entry = StoredEntry.of(this.#last, draft, this.#at);
        entries.push({ entry, isInternal: draft.internal === true, hasMore: index < drafts.length - 1 });
      }
    return entries;
  }

  #show(appends: readonly Append[], entries: readonly PendingEntry[]): void {
    let at = 0;
    for (const { drafts, shown } of appends) {
      for (const { position } of drafts) {
        const pending = entries[at++];
        if (!pending) break;
        const { entry, isInternal } = pending;
        if (position) position.cursor = formatCursor(this.#epoch, entry.offset);
        if (isInternal) continue;
        this.#head = entry.offset;
        const dropped = this.#tail.push(entry);
        if (this.#keeper.problem !== undefined) this.#lost += dropped;
        this.#entries.next(entry);
      }
      shown?.();
    }
    // Everything that was decided is shown, so this moment is a state of its own.
    if (this.#pending.length === 0) this.#keeper.quiet(this.#last, this.#epoch);
  }

  /** Shows what was appended in a later turn, and then tells its keeper that nothing waits. */
  settle(): void {
    if (this.#isClosed) return;
    this.#pending.push({ drafts: [], shown: undefined });
    this.#schedule();
  }

  /** The disk takes nothing: readers of the former epoch can't be told that nothing is missing after a restart. */
  replace(): void {
    this.#epoch = this.#clock.token(4);
    this.#begin = this.#head;
    this.#floor = this.#head;
    this.#tail.resize(this.#limits.memoryBytes);
    this.#replacements$.next();
  }

  /** @param upTo the last offset of the file: who lacks entries of it is reset. */
  #unreadable(upTo: number, error: Error): void {
    this.#floor = Math.max(this.#floor, Math.min(upTo, this.#head));
    this.#keeper.complain(error);
  }
}
