// An entry before the log has given it an offset; on the wire its time is text.
import type { Micros } from './time.js';
import type { Cursor, Entry } from './types.js';

/** Where an entry stands in the log. Unset until the log gives the entry its offset, which may be after `append` has returned. */
export interface LogPosition {
  cursor: Cursor | undefined;
  /** Of the entry. */
  time?: Micros | null;
}

export type EntryDraft = Omit<Entry, 'offset' | 'time'> & {
  time: Micros | null;
  /** Bytes of the monitor's message that brought it, for the retention; an entry without them is encoded at once. */
  bytes?: number | undefined;
  /** The log sets it before it shows the entry. */
  position?: LogPosition | undefined;
  /** For a restart only: it is not sent to clients, and a log that ends with the process does not keep it. */
  internal?: true;
};
