// What the job layer needs of a log: numbers, given out in order. `stream` has one; tests have another.
import type { Micros } from '../protocol/time.js';
import type { Entry, JobRef } from '../protocol/types.js';

export type JournalDraft = Omit<Entry, 'offset' | 'time'> & { time: Micros | null };
/** An entry of a job. */
export type JobDraft = JournalDraft & { job: JobRef };

export interface Journal {
  readonly epoch: string;
  /** Offset of the newest entry. */
  readonly head: number;
  append(draft: JournalDraft): void;
}
