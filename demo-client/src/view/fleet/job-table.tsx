// The table of jobs as the address says: one tab, filtered, sorted, grouped.
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import type { Gateway } from '../../gateway/gateway.js';
import { currentIn } from '../../model/fleet/current.js';
import { matcher } from '../../model/fleet/filter.js';
import { itemsOf } from '../../model/fleet/groups.js';
import type { Sort } from '../../model/fleet/listing.js';
import { type Row, RowBook, rowsOf } from '../../model/fleet/rows.js';
import { resortRows, sortRows } from '../../model/fleet/sort.js';
import { listing } from '../../page/location.js';
import { beat } from '../../page/now.js';
import { JobRows } from './job-rows.js';
import { NoRows } from './no-rows.js';
import { Toolbar } from './toolbar.js';

export function JobTableView({ gateway, table }: { gateway: Gateway; table: JobTable }) {
  const unseen = gateway.unseen.value;
  const { past } = gateway;
  const [runs, isKept] = [past.runs.value, past.isKept.value];
  const { tab, filter, sort, folding } = listing();
  const { settled } = table;
  useEffect(() => {
    if (isKept && settled && tab !== 'active') past.refresh();
  }, [past, isKept, settled, tab]);
  const phase = gateway.state.value.phase;
  const starts = gateway.starts.starts.value;
  const at = beat.value;
  const book = useRef(new RowBook()).current;
  const all = useMemo(() => {
    const paces = { trails: gateway.trails, isCurrent: currentIn(phase, table), starts, now: at };
    const found = rowsOf(table, paces, tab, unseen, runs, book);
    book.keep(found);
    return found;
  }, [table, gateway, tab, unseen, runs, phase, starts, at, book]);
  const sorted = useSorted(all, sort);
  const matches = useMemo(() => matcher(filter), [filter]);
  const rows = useMemo(() => sorted.filter(matches), [sorted, matches]);
  const items = useMemo(() => itemsOf(rows, folding), [rows, folding]);
  return (
    <section class="card jobs" aria-labelledby="jobs-title">
      <Toolbar table={table} rows={rows} total={all.length} />
      {rows.length === 0 ? (
        <NoRows total={all.length} isKept={isKept} />
      ) : (
        <JobRows gateway={gateway} table={table} items={items} rows={rows} />
      )}
      {tab !== 'active' && past.older.value !== 'none' && (
        <div class="more">
          <button type="button" disabled={past.older.value === 'loading'} onClick={() => void past.more()}>
            {past.older.value === 'loading' ? 'Loading…' : 'More'}
          </button>
          <span class="muted small">Older runs are in the gateway’s history.</span>
        </div>
      )}
    </section>
  );
}

/** All rows in order; of one sort only those that have changed are sorted anew. */
function useSorted(rows: readonly Row[], { by, down }: Sort): readonly Row[] {
  const before = useRef<{ key: string; rows: readonly Row[] }>({ key: '', rows: [] });
  return useMemo(() => {
    const key = `${by} ${down}`;
    const sort = { by, down };
    const sorted = before.current.key === key ? resortRows(before.current.rows, rows, sort) : sortRows(rows, sort);
    before.current = { key, rows: sorted };
    return sorted;
  }, [rows, by, down]);
}
