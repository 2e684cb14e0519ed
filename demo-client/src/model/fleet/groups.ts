// The rows as they are drawn: one below the other, or under the heads of their sources. Pure.
import { countsBytes } from 'qmp-gateway/protocol';
import { type Folding, isClosed } from './listing.js';
import type { Row } from './rows.js';

/** The rows of one source in figures. */
export interface Group {
  source: string;
  rows: number;
  running: number;
  /** Stopped by an error, or waiting for a decision. */
  attention: number;
  ready: number;
  bytesPerSecond: number;
  isClosed: boolean;
}

export type Item = { kind: 'row'; row: Row } | { kind: 'group'; group: Group };

export function itemsOf(rows: readonly Row[], folding: Folding | undefined): Item[] {
  if (!folding) return rows.map((row) => ({ kind: 'row', row }));
  const bySource = new Map<string, Row[]>();
  for (const row of rows) {
    const own = bySource.get(row.source);
    if (own) own.push(row);
    else bySource.set(row.source, [row]);
  }
  const inOrder = [...bySource].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  return inOrder.flatMap(([source, own]): Item[] => {
    const group = groupOf(source, own, isClosed(folding, source));
    return [{ kind: 'group', group }, ...(group.isClosed ? [] : own.map((row): Item => ({ kind: 'row', row })))];
  });
}

function groupOf(source: string, rows: readonly Row[], closed: boolean): Group {
  const group = { source, rows: rows.length, running: 0, attention: 0, ready: 0, bytesPerSecond: 0, isClosed: closed };
  for (const { state, attention, type, rate } of rows) {
    if (state === 'running') group.running += 1;
    if (attention?.mark === 'error' || attention?.mark === 'pending') group.attention += 1;
    if (attention?.mark === 'ready') group.ready += 1;
    if (countsBytes(type)) group.bytesPerSecond += rate ?? 0;
  }
  return group;
}

export const keyOf = (item: Item): string => (item.kind === 'row' ? item.row.run : `group ${item.group.source}`);
