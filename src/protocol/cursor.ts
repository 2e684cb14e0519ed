// Cursors: `"<epoch>:<offset>"`. In: text from a client. Out: its parts, or undefined.
import type { Cursor } from './types.js';

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
