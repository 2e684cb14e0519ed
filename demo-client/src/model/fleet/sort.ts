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

/** A total order, so that each row has one place: rows that are equal in what is sorted by are in natural order, then in that of their runs. */
export function comparator({ by, down }: Sort): (a: Row, b: Row) => number {
  const sign = down ? -1 : 1;
  const isAge = by === 'started' || by === 'elapsed';
  return (a, b) => {
    if (isAge && a.live && b.live && a.began !== b.began) {
      if (a.began === undefined) return 1;
      if (b.began === undefined) return -1;
      // When they began is read late and one by one, but the cursors of their first entries are in that order.
      const age = compareCursors(a.began, b.began) ?? (a.began < b.began ? -1 : 1);
      return by === 'started' ? sign * age : -sign * age;
    }
    const [x, y] = [sortValue(a, by), sortValue(b, by)];
    if (x !== y) {
      if (x === undefined) return 1;
      if (y === undefined) return -1;
      return x < y ? -sign : sign;
    }
    return order(a.key, b.key) || order(a.run, b.run);
  };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

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
