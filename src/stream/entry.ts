// An entry as the log keeps it: its fields, its place in the retention, and its JSON, made once whoever asks first and shared by every
// filter. One object for all of that: what is kept outlives the young generation, and each object kept is copied twice on its way.
import type { EntryDraft } from '../protocol/draft.js';
import { formatMicros, type Micros } from '../protocol/time.js';
import type { Entry, JobRef } from '../protocol/types.js';
import type { Queue } from './queue.js';

/** What the log keeps of one source. */
export interface Shelf {
  kept: Queue<LoggedEntry>;
  live: number;
  evictedUpTo: number;
}

export class LoggedEntry {
  readonly offset: number;
  readonly source: string;
  readonly type: string;
  readonly job: JobRef | undefined;
  readonly #time: Micros | null;
  readonly #repeated: number | undefined;
  readonly #data: unknown;
  #json: string | undefined;
  /** For the log alone: bytes that the retention counts, since when it is kept (milliseconds of the log's clock), where, whether it has left. */
  readonly bytes: number;
  readonly at: number;
  readonly shelf: Shelf;
  evicted = false;

  constructor(offset: number, draft: EntryDraft, bytes: number, at: number, shelf: Shelf) {
    this.offset = offset;
    this.source = draft.source;
    this.type = draft.type;
    this.job = draft.job;
    this.#time = draft.time;
    this.#repeated = draft.repeated;
    this.#data = draft.data;
    this.bytes = bytes;
    this.at = at;
    this.shelf = shelf;
  }

  /** As the wire has it. */
  get json(): string {
    this.#json ??= this.#encode();
    return this.#json;
  }

  #encode(): string {
    const { offset, source, type, job } = this;
    const time = this.#time === null ? null : formatMicros(this.#time);
    const data = this.#data;
    const entry: Entry =
      this.#repeated !== undefined
        ? { offset, source, type, time, ...(job && { job }), repeated: this.#repeated, data }
        : job
          ? { offset, source, type, time, job, data }
          : { offset, source, type, time, data };
    return JSON.stringify(entry);
  }
}
