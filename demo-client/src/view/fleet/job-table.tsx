// The table of jobs as the address says: one tab, filtered, sorted, grouped.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Gateway } from '../../gateway/gateway.js';
import { itemsOf } from '../../model/fleet/groups.js';
import type { Frame } from '../../model/fleet/live-table.js';
import { RowList } from '../../model/fleet/row-list.js';
import type { Row } from '../../model/fleet/rows.js';
import { listing } from '../../page/location.js';
import { beat } from '../../page/now.js';
import { JobRows } from './job-rows.js';
import { NoRows } from './no-rows.js';
import { RowMenu } from './row-menu.js';
import { Toolbar } from './toolbar.js';

export function JobTableView({ gateway, table }: { gateway: Gateway; table: Frame }) {
  const unseen = gateway.unseen.value;
  const { past, trails } = gateway;
  const { starts } = gateway.starts;
  const [runs, isKept] = [past.runs.value, past.isKept.value];
  const { tab, filter, sort, folding } = listing();
  const { by, down } = sort;
  useEffect(() => {
    if (isKept && tab !== 'active') past.refresh();
  }, [past, isKept, table.ends, tab]);
  const phase = gateway.state.value.phase;
  const now = beat.value;
  const list = useRef(new RowList()).current;
  const rows = useMemo(
    () => list.rowsAt({ table, phase, trails, starts, now, unseen, past: runs, tab, filter, sort: { by, down } }),
    [list, table, phase, trails, starts, now, unseen, runs, tab, filter, by, down],
  );
  const items = useMemo(() => itemsOf(rows, folding), [rows, folding]);
  // Of the table, not of its rows: it stays open when the last of them goes.
  const [menuOf, setMenu] = useState<Row>();
  const problem = tab === 'active' ? undefined : past.problem.value;
  return (
    <section class="card jobs" aria-labelledby="jobs-title">
      <Toolbar table={table} rows={rows} total={list.total} />
      {rows.length === 0 ? (
        <NoRows total={list.total} isKept={isKept} isUnread={problem !== undefined} />
      ) : (
        <JobRows gateway={gateway} table={table} items={items} rows={rows} onMenu={setMenu} />
      )}
      {menuOf && <RowMenu gateway={gateway} table={table} row={menuOf} onClose={() => setMenu(undefined)} />}
      {problem !== undefined && (
        <div class="more" role="alert">
          <button type="button" onClick={past.refresh}>
            Try again
          </button>
          <span class="small text-bad">The gateway’s history could not be read: {problem}</span>
        </div>
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
