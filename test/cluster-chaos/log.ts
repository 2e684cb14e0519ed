// One life of the stream as a list of entries in order, and cursors in it. In: a record. Out: what the checks share.
import { type Matcher, positionOf } from '../chaos/log.js';
import type { StreamEntry, StreamRecord } from './record.js';

export { type Matcher, matcher, positionOf } from '../chaos/log.js';

export interface LogEntry extends StreamEntry {
  source: string;
}

export interface Log {
  epoch: string;
  /** Entries before it are not known. */
  firstOffset: number;
  /** Nor after it. */
  lastOffset: number;
  entries: LogEntry[];
  byOffset: ReadonlyMap<number, LogEntry>;
}

export function logOf({ epoch, firstOffset, lastOffset = Infinity, messages }: StreamRecord): Log {
  const entries = messages.flatMap(({ source, entries: some }) => some.map((entry) => ({ ...entry, source })));
  return { epoch, firstOffset, lastOffset, entries, byOffset: new Map(entries.map((entry) => [entry.offset, entry])) };
}

/** What a client with that filter gets of it. */
export const matching = (log: Log, wants: Matcher): LogEntry[] =>
  log.entries.filter((entry) => !entry.internal && wants.entry({ ...entry, time: null, data: undefined } as never));

/** Index of the first entry after the offset. */
export function after(entries: readonly LogEntry[], offset: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const logAt = (logs: readonly Log[], cursor: string): Log | undefined =>
  logs.find(({ epoch }) => epoch === positionOf(cursor).epoch);

/** An entry after which something may have been missed of its source. */
export const isBlind = (type: string): boolean => /^GATEWAY_SOURCE_(DOWN|UP|GAP)$/.test(type);
