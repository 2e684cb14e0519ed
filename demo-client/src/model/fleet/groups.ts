// The rows as they are drawn: one below the other, or under the heads of their sources. Pure.
import { countsBytes } from 'qmp-gateway/protocol';
import { type Folding, isClosed } from './listing.js';
import type { Row } from './rows.js';

/** The rows of one source in figures. */
export interface Group {
  kind: 'group';
  source: string;
  rows: number;
  running: number;
  /** Stopped by an error, or waiting for a decision. */
  attention: number;
  ready: number;
  bytesPerSecond: number;
  isClosed: boolean;
}

export type Item = Row | Group;

/** One for all comparisons: `localeCompare` with options looks for its rules at each. */
const byName = new Intl.Collator('en', { numeric: true });

export function itemsOf(rows: readonly Row[], folding: Folding | undefined): readonly Item[] {
  if (!folding) return rows;
  const bySource = new Map<string, Row[]>();
  for (const row of rows) {
    const own = bySource.get(row.source);
    if (own) own.push(row);
    else bySource.set(row.source, [row]);
  }
  const inOrder = [...bySource].sort(([a], [b]) => byName.compare(a, b));
  return inOrder.flatMap(([source, own]): Item[] => {
    const group = groupOf(source, own, isClosed(folding, source));
    return group.isClosed ? [group] : [group, ...own];
  });
}

function groupOf(source: string, rows: readonly Row[], closed: boolean): Group {
  const figures = { running: 0, attention: 0, ready: 0, bytesPerSecond: 0 };
  const group: Group = { kind: 'group', source, rows: rows.length, ...figures, isClosed: closed };
  for (const { state, attention, type, rate } of rows) {
    if (state === 'running') group.running += 1;
    if (attention?.mark === 'error' || attention?.mark === 'pending') group.attention += 1;
    if (attention?.mark === 'ready') group.ready += 1;
    if (countsBytes(type)) group.bytesPerSecond += rate ?? 0;
  }
  return group;
}

export const keyOf = (item: Item): string => (item.kind === 'row' ? item.run : `group ${item.source}`);

/** -1: it is not there. @param guess where it was: most often it is there still, and then no others are looked at. */
export function indexOfKey(items: readonly Item[], key: string | undefined, guess: number): number {
  if (key === undefined) return -1;
  const there = items[guess];
  return there && keyOf(there) === key ? guess : items.findIndex((item) => keyOf(item) === key);
}
