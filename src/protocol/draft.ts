// An entry on its way to the log. In: what happened. Out: nothing yet; the log gives it its number, and the wire its time as text.
import type { Micros } from './time.js';
import type { Entry } from './types.js';

export type EntryDraft = Omit<Entry, 'offset' | 'time'> & {
  time: Micros | null;
  /** Of the monitor's message that brought it; the log counts it, and encodes at once what comes without. */
  bytes?: number | undefined;
};
