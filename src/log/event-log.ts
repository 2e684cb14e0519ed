// What the gateway and the job layer need of a log, wherever it is kept. Offsets increase, and need not be dense. A cursor of another epoch is of
// another log.
import type { Observable } from 'rxjs';
import type { EntryDraft } from '../protocol/draft.js';
import type { Cursor, JobRef } from '../protocol/types.js';

export interface LoggedEntry {
  readonly offset: number;
  readonly source: string;
  readonly type: string;
  readonly job: JobRef | undefined;
  /** As the wire has it. */
  readonly json: string;
  /** Bytes that the retention counts. */
  readonly bytes: number;
}

/** A part of the log in order; `examined` is the offset up to which it is complete. */
export interface Slice {
  entries: LoggedEntry[];
  examined: number;
}

export interface EventLog {
  /** Names the log: a cursor of another epoch says nothing about this one. */
  readonly epoch: string;
  /** Offset of the newest entry that may be shown; 0 before the first. */
  readonly head: number;
  /** The newest entry as a cursor. */
  readonly cursor: Cursor;
  /** Entries retained, and their bytes. */
  readonly size: { entries: number; bytes: number };
  /** Every entry, in order, once it may be shown: a log in memory emits it before `append` returns. */
  readonly entries$: Observable<LoggedEntry>;
  /** Resolves when the log can take nothing more, with the reason: the gateway ends, and its next start is another epoch. */
  readonly failed: Promise<Error>;
  /**
   * Entries that belong together: they are shown in one event-loop turn, and nothing of another append is shown between them. Whoever shows
   * anything to a client waits for the log: `head`, `cursor` and the reads know only what may be shown.
   *
   * @param shown called once they may be shown, in the order of the appends; of an empty list, once all that was appended before may be.
   */
  append(drafts: readonly EntryDraft[], shown?: () => void): void;
  /** Whether every entry after `offset` of the sources that `wants` accepts is still here. */
  retainsAfter(offset: number, wants: (source: string) => boolean): boolean;
  /** Up to `limit` entries after `offset`, unfiltered. */
  readAfter(offset: number, limit: number): Slice;
  /**
   * The position before the `count`th newest entry that `wants` accepts.
   *
   * @param isEnough asked before each entry with how many were examined: `true` ends the search.
   * @returns `truncated`: it ended so, and older entries were not examined.
   */
  offsetBefore(
    count: number,
    wants: (entry: LoggedEntry) => boolean,
    isEnough: (examined: number) => boolean,
  ): { offset: number; truncated: boolean };
  /** Offset up to which entries of the sources that `wants` accepts have left. */
  evictedUpTo(wants: (source: string) => boolean): number;
}
