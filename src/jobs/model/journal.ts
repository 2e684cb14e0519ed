// What the job layer needs of a log. The `log` layer has the production one; tests have some that are late or fail.
import type { EntryDraft } from '../../protocol/draft.js';
import type { Cursor, JobRef } from '../../protocol/types.js';

/** An entry of a job. */
export type JobDraft = EntryDraft & { job: JobRef };

export interface Journal {
  /**
   * Whether another gateway may write for the source, and then this one is refused: a command is written to QEMU only once the log shows its entry,
   * which proves that the source is still ours.
   */
  readonly isFenced?: boolean;
  /** Of the newest entry that the log shows. */
  readonly cursor: Cursor;
  /**
   * Appends entries that belong together. They get their offsets, and `shown` is called, when the log shows them: before this returns, or later, in
   * the order of the appends. With an empty list `shown` is called once everything appended before is shown.
   */
  append(drafts: readonly EntryDraft[], shown?: () => void): void;
}
