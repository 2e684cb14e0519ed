// Cursors: `"<epoch>:<offset>"`. The only file that reads or compares their parts; everywhere else they are opaque.
import type { Cursor, Entry } from './types.js';

export interface Position {
  epoch: string;
  offset: number;
}

export function formatCursor(epoch: string, offset: number): Cursor {
  return `${epoch}:${offset}`;
}

/** The position before that of an entry: a subscription `after` it begins with the entry. A malformed cursor is returned as it is. */
export function cursorBefore(cursor: Cursor): Cursor {
  const position = parseCursor(cursor);
  return position ? formatCursor(position.epoch, Math.max(0, position.offset - 1)) : cursor;
}

/** Never throws; `undefined` is a malformed cursor. */
export function parseCursor(cursor: string): Position | undefined {
  const match = /^([A-Za-z0-9]{1,32}):(0|[1-9][0-9]{0,15})$/.exec(cursor);
  if (!match?.[1] || !match[2]) return undefined;
  const offset = Number(match[2]);
  return Number.isSafeInteger(offset) ? { epoch: match[1], offset } : undefined;
}

/** The log that a cursor is of; `undefined` where it is malformed. */
export function epochOf(cursor: Cursor): string | undefined {
  return parseCursor(cursor)?.epoch;
}

/** Below 0 where `a` comes before `b`, 0 where they are equal, above 0 after it. `undefined`: of different logs, or malformed. */
export function compareCursors(a: Cursor, b: Cursor): number | undefined {
  const [left, right] = [parseCursor(a), parseCursor(b)];
  return left && right && left.epoch === right.epoch ? Math.sign(left.offset - right.offset) : undefined;
}

/** Those of `entries`, of the log that `cursor` is of, that come after it. */
export function entriesAfter(entries: readonly Entry[], cursor: Cursor): readonly Entry[] {
  const position = parseCursor(cursor);
  return position ? entries.filter(({ offset }) => offset > position.offset) : [];
}

/** The position before the first entry of the log that `cursor` is of. */
export function beginningOf(cursor: Cursor): Cursor {
  const position = parseCursor(cursor);
  return position ? formatCursor(position.epoch, 0) : cursor;
}
