// An entry as the log keeps it: its fields, its place in the retention, and its JSON, made once for the first reader and shared by every
// filter. One object for all of that: what is kept outlives the young generation, and each object kept is copied twice on its way.
import type { EntryDraft } from '../protocol/draft.js';
import { formatMicros, type Micros } from '../protocol/time.js';
import type { Entry, JobRef } from '../protocol/types.js';
import type { LoggedEntry } from './event-log.js';
import type { Queue } from './queue.js';

/** What the log keeps of one source. */
export interface SourcePartition {
  kept: Queue<KeptEntry>;
  live: number;
  evictedUpTo: number;
}

/** Bytes over which an entry is encoded as it comes: text counts exactly, while an object may take ten times the bytes of its text. */
const LARGE = 1_024;

export class KeptEntry implements LoggedEntry {
  readonly offset: number;
  readonly source: string;
  readonly type: string;
  readonly job: JobRef | undefined;
  readonly #time: Micros | null;
  readonly #repeated: number | undefined;
  #data: unknown;
  #json: string | undefined;
  /** For the log alone: bytes that the retention counts, since when it is kept (milliseconds of the log's clock), where, whether it has left. */
  readonly bytes: number;
  readonly at: number;
  readonly partition: SourcePartition;
  evicted = false;

  constructor(offset: number, draft: EntryDraft, at: number, partition: SourcePartition) {
    this.offset = offset;
    this.source = draft.source;
    this.type = draft.type;
    this.job = draft.job;
    this.#time = draft.time;
    this.#repeated = draft.repeated;
    this.#data = draft.data;
    this.at = at;
    this.partition = partition;
    // The monitor's own text is nearly as long as ours of it. Where there is none, or much of it, the entry is kept as text alone.
    this.bytes = draft.bytes !== undefined && draft.bytes <= LARGE ? draft.bytes : this.json.length;
  }

  /** As the wire has it. */
  get json(): string {
    if (this.#json === undefined) {
      this.#json = this.#encode();
      this.#data = undefined;
    }
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
