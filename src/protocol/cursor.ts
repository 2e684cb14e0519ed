// Cursors: `"<epoch>:<offset>"`. The only file that reads or compares their parts; everywhere else they are opaque.
import type { Cursor, Entry } from './types.js';

export interface Position {
  epoch: string;
  offset: number;
}

export function formatCursor(epoch: string, offset: number): Cursor {
  return `${epoch}:${offset}`;
}

/** The position right after an entry of the same log as `cursor`. A malformed cursor is returned unchanged. */
export function cursorAfter(cursor: Cursor, { offset }: Pick<Entry, 'offset'>): Cursor {
  const position = parseCursor(cursor);
  return position ? formatCursor(position.epoch, offset) : cursor;
}

/** The position right before an entry: a subscription `after` it begins with that entry. A malformed cursor is returned unchanged. */
export function cursorBefore(cursor: Cursor): Cursor {
  const position = parseCursor(cursor);
  return position ? formatCursor(position.epoch, Math.max(0, position.offset - 1)) : cursor;
}

/** Never throws; `undefined`: the cursor is malformed. */
export function parseCursor(cursor: string): Position | undefined {
  const match = /^([A-Za-z0-9]{1,32}):(0|[1-9][0-9]{0,15})$/.exec(cursor);
  if (!match?.[1] || !match[2]) return undefined;
  const offset = Number(match[2]);
  return Number.isSafeInteger(offset) ? { epoch: match[1], offset } : undefined;
}

/** The epoch of a cursor; `undefined`: the cursor is malformed. */
export function epochOf(cursor: Cursor): string | undefined {
  return parseCursor(cursor)?.epoch;
}

/**
 * Below 0 where `a` comes before `b`, 0 where they are equal, above 0 where `a` comes after `b`. `undefined`: they belong to different logs, or one
 * is malformed.
 */
export function compareCursors(a: Cursor, b: Cursor): number | undefined {
  const [left, right] = [parseCursor(a), parseCursor(b)];
  return left && right && left.epoch === right.epoch ? Math.sign(left.offset - right.offset) : undefined;
}

/** Those of `entries` that come after `cursor`; all belong to the same log. */
export function entriesAfter(entries: readonly Entry[], cursor: Cursor): readonly Entry[] {
  const position = parseCursor(cursor);
  return position ? entries.filter(({ offset }) => offset > position.offset) : [];
}

/** The position before the first entry of the cursor's log. */
export function beginningOf(cursor: Cursor): Cursor {
  const position = parseCursor(cursor);
  return position ? formatCursor(position.epoch, 0) : cursor;
}
