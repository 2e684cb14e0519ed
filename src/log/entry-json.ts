// The text of an entry, which every log and the wire share.
import { formatMicros, type Micros } from '../protocol/time.js';
import type { Entry, JobRef } from '../protocol/types.js';

/** What an entry is compared by, beside its offset. */
export interface EntryFields {
  readonly source: string;
  readonly type: string;
  readonly time: Micros | null;
  readonly job?: JobRef | undefined;
  readonly repeated?: number | undefined;
}

/** A member without a value is left out. */
export function entryJson(offset: number, fields: EntryFields, data: unknown): string {
  const { source, type, job, repeated } = fields;
  const time = fields.time === null ? null : formatMicros(fields.time);
  const entry: Entry =
    repeated !== undefined
      ? { offset, source, type, time, ...(job && { job }), repeated, data }
      : job
        ? { offset, source, type, time, job, data }
        : { offset, source, type, time, data };
  return JSON.stringify(entry);
}
