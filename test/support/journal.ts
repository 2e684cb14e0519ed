// A log that keeps what is appended, for the job layer alone. `drafts` has it as it is appended, whenever it is shown.
import type { Journal } from '../../src/jobs/index.js';
import type { EntryDraft } from '../../src/protocol/draft.js';
import { openTestLog } from './log.js';

export class TestJournal implements Journal {
  /** What clients may be sent, or may be soon. */
  readonly drafts: EntryDraft[] = [];
  readonly #log: Journal = openTestLog({}, 'e');

  get cursor(): string {
    return this.#log.cursor;
  }

  append(drafts: readonly EntryDraft[], shown?: () => void): void {
    this.drafts.push(...drafts.filter(({ internal }) => !internal));
    this.#log.append(drafts, shown);
  }
}
