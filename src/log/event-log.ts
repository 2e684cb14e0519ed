// What the gateway and the job layer need of a log, wherever it is kept. Offsets increase and need not be consecutive. A cursor of another epoch
// belongs to another log.
import type { Observable } from 'rxjs';
import type { EntryDraft } from '../protocol/draft.js';
import type { Micros } from '../protocol/time.js';
import type { Cursor, JobRef } from '../protocol/types.js';

export interface LoggedEntry {
  readonly offset: number;
  readonly source: string;
  readonly type: string;
  /** Microseconds since 1970, by QEMU's clock or, of the gateway's own entries, by the gateway's. */
  readonly time: Micros | null;
  readonly job: JobRef | undefined;
  /** It stands for so many events. */
  readonly repeated: number | undefined;
  /** As the wire has it. */
  readonly json: string;
  /** Bytes that the retention counts. */
  readonly bytes: number;
}

/** A part of the log in order; `examined` is the offset up to which it is complete. */
export interface Slice {
  entries: LoggedEntry[];
  examined: number;
  /** Nothing could be read at once; it can when this has resolved. */
  pending?: Promise<void>;
}

/** Why an entry was evicted: the quota of its source, the number of all entries, their bytes, or its age. */
export const EVICTIONS = ['source', 'entries', 'bytes', 'age'] as const;
export type Eviction = (typeof EVICTIONS)[number];

/** How full the log is, and whether its store keeps up. */
export interface LogStatus {
  /** Entries retained, their bytes, and the bounds of both. */
  entries: number;
  bytes: number;
  maxEntries: number;
  maxBytes: number;
  /** Age of the oldest entry retained, in milliseconds, and the age at which it is evicted if no other bound evicts it before. */
  ageMs: number;
  maxAgeMs: number;
  /** Entries evicted since the log began. Those that were not evicted by age make the retention shorter than `maxAgeMs`. */
  evicted: Readonly<Record<Eviction, number>>;
  /** Bytes of entries that the store has not taken yet, and the number beyond which the log fails. Both 0 for a log in memory. */
  waitingBytes: number;
  maxWaitingBytes: number;
  /** Whether the store has refused the batch that is being written. */
  isRetrying: boolean;
  /** Of a log on disk; with a `problem` the log is in memory, and goes back to the disk when that takes it again. */
  disk?: { readonly problem: string | undefined };
}

/** A log as its readers have it. */
export interface EventReader {
  /** Names the log; a cursor with another epoch has no position in it. It changes as {@link replaced$} says. */
  readonly epoch: string;
  /** Offset of the newest entry that is shown; 0 before the first. */
  readonly head: number;
  /** The newest entry that is shown, as a cursor. */
  readonly cursor: Cursor;
  /** Offset before the first entry of this epoch: not 0 where offsets go on from a former one. */
  readonly begin: number;
  readonly status: LogStatus;
  /** Every entry, in order, when it is shown: with a log in memory before `append` returns. */
  readonly entries$: Observable<LoggedEntry>;
  /** The log goes on under another epoch: no cursor from before has a position in it. Offsets go on. */
  readonly replaced$: Observable<void>;
  /** Whether the log still has every entry after `offset` of the sources that `wants` accepts. */
  retainsAfter(offset: number, wants: (source: string) => boolean): boolean;
  /** Up to `limit` entries after `offset`, of all sources. */
  readAfter(offset: number, limit: number): Slice;
  /**
   * The position before the `count`th newest entry that `wants` accepts.
   *
   * @param isEnough called before each entry with the number examined so far: `true` ends the search.
   * @returns `truncated`: `isEnough` ended the search, and older entries were not examined.
   */
  offsetBefore(
    count: number,
    wants: (entry: LoggedEntry) => boolean,
    isEnough: (examined: number) => boolean,
  ): { offset: number; truncated: boolean };
  /** The newest offset at which an entry of the sources that `wants` accepts was evicted. */
  evictedUpTo(wants: (source: string) => boolean): number;
  /** The offset of an entry before the first one that was appended at `time` or later, and not long before it. @param time milliseconds since 1970. */
  offsetAt(time: number): number;
}

export interface EventLog extends EventReader {
  /** Resolves with the reason when the log can take no more entries. The gateway must end then, and its next start begins another epoch. */
  readonly failed: Promise<Error>;
  /**
   * Appends entries that belong together: they are shown in one event-loop turn, with nothing of another append between them. Nothing is sent to a
   * client before the log shows it: `head`, `cursor` and the reads cover only entries that are shown.
   *
   * @param shown called once they are shown, in the order of the appends; with an empty list, once everything appended before is shown.
   */
  append(drafts: readonly EntryDraft[], shown?: () => void): void;
  /** Resolves when everything that was appended is where a restart finds it. Nothing may be appended any more. */
  close(): Promise<void>;
}
