// The order of the rows. Pure.
import { compareCursors } from 'qmp-gateway/protocol';
import { gravityOf } from './attention.js';
import type { ColumnKey } from './columns.js';
import type { Sort } from './listing.js';
import type { Row } from './rows.js';

/** Rows without a figure are last in both directions; equal ones are in natural order. */
export function sortRows(rows: readonly Row[], sort: Sort): Row[] {
  return [...rows].sort(comparator(sort));
}

/**
 * The same for rows of which most are in `before`, the result of the last call with this sort: only the others are sorted, and merged into it.
 */
export function resortRows(before: readonly Row[], rows: readonly Row[], sort: Sort): Row[] {
  const open = new Set(rows);
  const kept = before.filter((row) => open.delete(row));
  if (open.size > rows.length / 4) return sortRows(rows, sort);
  const compare = comparator(sort);
  const merged: Row[] = [];
  let at = 0;
  for (const row of [...open].sort(compare)) {
    for (let next = kept[at]; next && compare(next, row) <= 0; next = kept[at]) {
      merged.push(next);
      at += 1;
    }
    merged.push(row);
  }
  for (; at < kept.length; at += 1) merged.push(kept[at] as Row);
  return merged;
}

function comparator({ by, down }: Sort): (a: Row, b: Row) => number {
  const sign = down ? -1 : 1;
  const isAge = by === 'started' || by === 'elapsed';
  return (a, b) => {
    if (isAge && a.live && b.live) {
      // When they began is read late and one by one, but the cursors of their first entries are in that order.
      const age = compareCursors(a.began ?? '', b.began ?? '') ?? 0;
      if (age !== 0) return by === 'started' ? sign * age : -sign * age;
    }
    const [x, y] = [sortValue(a, by), sortValue(b, by)];
    if (x !== y) {
      if (x === undefined) return 1;
      if (y === undefined) return -1;
      return x < y ? -sign : sign;
    }
    return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
  };
}

function sortValue(row: Row, by: ColumnKey): string | number | undefined {
  switch (by) {
    case 'attention':
      return gravityOf(row.attention);
    case 'job':
      return row.key;
    case 'source':
      return row.key.slice(0, row.key.indexOf('\u0000'));
    case 'type':
      return row.type ?? undefined;
    case 'size':
      return row.len;
    case 'progress':
      return row.share;
    case 'rate':
      return row.rate;
    case 'eta':
      return row.etaMs;
    // Live runs come after those that have ended: they go on.
    case 'started':
      return row.live ? Number.POSITIVE_INFINITY : row.start?.at;
    case 'elapsed':
      return row.live ? Number.POSITIVE_INFINITY : (row.ended?.tookMs ?? undefined);
    case 'ended':
      return row.ended?.at;
    case 'state':
      return row.state;
  }
}
