// An entry of the log on disk: its text, which the disk and the wire share, and what filters compare.
import type { EntryDraft } from '../../protocol/draft.js';
import { formatMicros, type Micros, parseMicros } from '../../protocol/time.js';
import type { Entry, JobRef } from '../../protocol/types.js';
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

  private constructor(fields: Omit<StoredEntry, 'bytes'>) {
    this.offset = fields.offset;
    this.source = fields.source;
    this.type = fields.type;
    this.time = fields.time;
    this.job = fields.job;
    this.repeated = fields.repeated;
    this.json = fields.json;
    this.at = fields.at;
  }

  static of(offset: number, draft: EntryDraft, at: number): StoredEntry {
    const { source, type, time, job, repeated, data } = draft;
    const stamp = time === null ? null : formatMicros(time);
    const entry: Entry =
      repeated !== undefined
        ? { offset, source, type, time: stamp, ...(job && { job }), repeated, data }
        : job
          ? { offset, source, type, time: stamp, job, data }
          : { offset, source, type, time: stamp, data };
    return new StoredEntry({ offset, source, type, time, job, repeated, json: JSON.stringify(entry), at });
  }

  /** @param json as it was written: its bytes were checked. */
  static parse(json: string, at: number): StoredEntry {
    const { offset, source, type, time, job, repeated } = JSON.parse(json) as Entry;
    return new StoredEntry({ offset, source, type, time: parseMicros(time), job, repeated, json, at });
  }

  get bytes(): number {
    return this.json.length;
  }
}
