// An entry as the log keeps it: its fields, its place in the retention, and its JSON, which is made once for the first reader and shared by every
// filter. All in one object, since entries survive the young generation and V8's collector copies each surviving object twice.
import type { EntryDraft } from '../protocol/draft.js';
import type { Micros } from '../protocol/time.js';
import type { JobRef } from '../protocol/types.js';
import { entryJson } from './entry-json.js';
import type { LoggedEntry } from './event-log.js';
import type { Queue } from './queue.js';

/** What the log keeps of one source. */
export interface SourcePartition {
  kept: Queue<KeptEntry>;
  live: number;
  evictedUpTo: number;
}

/** Entries with more bytes are encoded as they come, so that the retention counts their text: as an object the data could take ten times that. */
const LARGE = 1_024;

export class KeptEntry implements LoggedEntry {
  readonly offset: number;
  readonly source: string;
  readonly type: string;
  readonly job: JobRef | undefined;
  readonly time: Micros | null;
  readonly repeated: number | undefined;
  #data: unknown;
  #json: string | undefined;
  /**
   * Used by the log alone: bytes for the retention, the milliseconds of the log's clock at which it was appended, its source's partition, and whether
   * it was evicted.
   */
  readonly bytes: number;
  readonly at: number;
  readonly partition: SourcePartition;
  evicted = false;

  constructor(offset: number, draft: EntryDraft, at: number, partition: SourcePartition) {
    this.offset = offset;
    this.source = draft.source;
    this.type = draft.type;
    this.job = draft.job;
    this.time = draft.time;
    this.repeated = draft.repeated;
    this.#data = draft.data;
    this.at = at;
    this.partition = partition;
    // The monitor's text is nearly as long as the entry's JSON. Entries without such a text, and large ones, are kept as JSON alone.
    this.bytes = draft.bytes !== undefined && draft.bytes <= LARGE ? draft.bytes : this.json.length;
  }

  /** As the wire has it. */
  get json(): string {
    if (this.#json === undefined) {
      this.#json = entryJson(this.offset, this, this.#data);
      this.#data = undefined;
    }
    return this.#json;
  }
}
