// What the job layer needs of a log: numbers, given out in order. `log` has one; tests have another.
import type { EntryDraft } from '../../protocol/draft.js';
import type { JobRef } from '../../protocol/types.js';

/** An entry of a job. */
export type JobDraft = EntryDraft & { job: JobRef };

export interface Journal {
  readonly epoch: string;
  /** Offset of the newest entry. */
  readonly head: number;
  append(draft: EntryDraft): void;
}
