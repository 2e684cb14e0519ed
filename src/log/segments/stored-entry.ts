// An entry of the log on disk: its text, which the disk and the wire share, and what filters compare.
import type { EntryDraft } from '../../protocol/draft.js';
import { type Micros, parseMicros } from '../../protocol/time.js';
import type { Entry, JobRef } from '../../protocol/types.js';
import { type EntryFields, entryJson } from '../entry-json.js';
import type { LoggedEntry } from '../event-log.js';

export class StoredEntry implements LoggedEntry {
  readonly offset: number;
  readonly source: string;
  readonly type: string;
  readonly time: Micros | null;
  readonly job: JobRef | undefined;
  readonly repeated: number | undefined;
  readonly json: string;
  /** Milliseconds since 1970 at which it was written. */
  readonly at: number;

  private constructor(offset: number, fields: EntryFields, json: string, at: number) {
    this.offset = offset;
    this.source = fields.source;
    this.type = fields.type;
    this.time = fields.time;
    this.job = fields.job;
    this.repeated = fields.repeated;
    this.json = json;
    this.at = at;
  }

  static of(offset: number, draft: EntryDraft, at: number): StoredEntry {
    return new StoredEntry(offset, draft, entryJson(offset, draft, draft.data), at);
  }

  /** @param json as it was written: its bytes were checked. */
  static parse(json: string, at: number): StoredEntry {
    const { offset, source, type, time, job, repeated } = JSON.parse(json) as Entry;
    return new StoredEntry(offset, { source, type, time: parseMicros(time), job, repeated }, json, at);
  }

  get bytes(): number {
    return this.json.length;
  }
}
