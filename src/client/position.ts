// Comparing cursors. In: two cursors. Out: their distance within one epoch. Pure.
import { parseCursor } from '../protocol/cursor.js';
import type { Cursor } from '../protocol/types.js';

/** How far `a` lies beyond `b`, negative before it; `undefined` where the epochs differ and nothing can be said. */
export function distance(a: Cursor, b: Cursor): number | undefined {
  const [left, right] = [parseCursor(a), parseCursor(b)];
  return left && right && left.epoch === right.epoch ? left.offset - right.offset : undefined;
}

export function epochOf(cursor: Cursor): string | undefined {
  return parseCursor(cursor)?.epoch;
}
