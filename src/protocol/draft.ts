// An entry on its way to the log, which gives it its number; the wire has its time as text.
import type { Micros } from './time.js';
import type { Cursor, Entry } from './types.js';

/** Where an entry stands in the log. Unset until the log has given it a number, which may be after the append has returned. */
export interface LogPosition {
  cursor: Cursor | undefined;
}

export type EntryDraft = Omit<Entry, 'offset' | 'time'> & {
  time: Micros | null;
  /** Of the monitor's message that brought it; the log counts it, and encodes at once what comes without. */
  bytes?: number | undefined;
  /** The log sets it before it shows the entry. */
  position?: LogPosition | undefined;
  /** For a restart alone: no client is sent it, and a log that ends with the process does not keep it. */
  internal?: true;
};
