// What the job layer needs of a log. `log` has one; tests have others: late ones, and ones that fail.
import type { EntryDraft } from '../../protocol/draft.js';
import type { Cursor, JobRef } from '../../protocol/types.js';

/** An entry of a job. */
export type JobDraft = EntryDraft & { job: JobRef };

export interface Journal {
  /** Of the newest entry that may be shown. */
  readonly cursor: Cursor;
  /**
   * Entries that belong together. Numbers are given, and `shown` is called, when they may be shown: before this returns, or later, in order.
   * Of an empty list `shown` is called once all that was appended before may be shown.
   */
  append(drafts: readonly EntryDraft[], shown?: () => void): void;
}
