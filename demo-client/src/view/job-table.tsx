// The table of jobs, with a filter and sorting; only the visible rows are in the document.
import { batch, signal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import type { Gateway } from '../gateway.js';
import { currentIn } from '../model/current.js';
import { jobHref } from '../model/route.js';
import { matcher, type Row, rowsOf, type Sort, type SortKey, sortRows, type View } from '../model/rows.js';
import { beat } from '../now.js';
import { filterText } from './filter-text.js';
import { JobRow } from './job-row.js';
import { isNarrow } from './narrow.js';
import { Notice } from './notice.js';
import { useWindow } from './window.js';

const COLUMNS: readonly { key: SortKey; label: string; numeric?: boolean }[] = [
  { key: 'job', label: 'Job' },
  { key: 'type', label: 'Type' },
  { key: 'state', label: 'Status' },
  { key: 'progress', label: 'Progress' },
  { key: 'rate', label: 'Speed', numeric: true },
  { key: 'eta', label: 'ETA', numeric: true },
  { key: 'attention', label: 'Attention' },
];
const VIEWS: readonly { view: View; label: string }[] = [
  { view: 'active', label: 'Active' },
  { view: 'ended', label: 'Ended' },
  { view: 'all', label: 'All' },
];

const ROW_PX = 40;
const CARD_PX = 92;
const view = signal<View>('active');
const sort = signal<Sort>({ by: 'attention', down: false });

/** Ended jobs are sorted newest first. */
function show(next: View): void {
  batch(() => {
    view.value = next;
    sort.value = next === 'ended' ? { by: 'eta', down: true } : { by: 'attention', down: false };
  });
}

const ENDED_LABELS: Partial<Record<SortKey, string>> = {
  state: 'Outcome',
  rate: 'Duration',
  eta: 'Ended',
  attention: 'Note',
};

export function JobTableView({ gateway, table }: { gateway: Gateway; table: JobTable }) {
  const unseen = gateway.unseen.value;
  const { past } = gateway;
  const [runs, isKept, which] = [past.runs.value, past.isKept.value, view.value];
  const { settled } = table;
  useEffect(() => {
    if (isKept && settled && which !== 'active') past.refresh();
  }, [past, isKept, settled, which]);
  const phase = gateway.state.value.phase;
  const at = beat.value;
  const all = useMemo(() => {
    const paces = { trails: gateway.trails, isCurrent: currentIn(phase, table), now: at };
    return rowsOf(table, paces, view.value, unseen, runs);
  }, [table, gateway, view.value, unseen, runs, phase, at]);
  const text = filterText.value;
  const rows = useMemo(() => sortRows(all.filter(matcher(text)), sort.value), [all, text, sort.value]);
  return (
    <section class="card jobs" aria-labelledby="jobs-title">
      <div class="toolbar">
        <h2 id="jobs-title">Jobs</h2>
        <div class="segments" role="group" aria-label="Which jobs">
          {VIEWS.map((each) => (
            <button
              key={each.view}
              type="button"
              aria-pressed={view.value === each.view}
              onClick={() => show(each.view)}
            >
              {each.label}
            </button>
          ))}
        </div>
        <input
          type="search"
          id="filter"
          aria-label="Filter jobs"
          placeholder="Filter: name, is:ready, type:mirror, source:…  ( / )"
          value={text}
          onInput={(event) => (filterText.value = event.currentTarget.value)}
        />
        <output class="muted num count" data-testid="count">
          {rows.length === all.length
            ? rows.length.toLocaleString('en')
            : `${rows.length.toLocaleString('en')} of ${all.length.toLocaleString('en')}`}
        </output>
      </div>
      {rows.length === 0 ? <Empty total={all.length} isKept={isKept} /> : <Rows gateway={gateway} rows={rows} />}
      {which !== 'active' && past.older.value !== 'none' && (
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

function Empty({ total, isKept }: { total: number; isKept: boolean }) {
  if (total > 0) {
    return (
      <Notice title="No job matches the filter">
        <button type="button" onClick={() => (filterText.value = '')}>
          Clear the filter
        </button>
      </Notice>
    );
  }
  return view.value === 'ended' ? (
    <Notice title="Nothing has ended yet">
      Runs that end are kept here with their outcome{isKept ? '' : ' for 24 hours'}.
    </Notice>
  ) : (
    <Notice title="No job is running">
      Start one in a VM, for instance <code>virsh blockcopy</code> or QMP <code>blockdev-mirror</code>: it appears here
      by itself.
    </Notice>
  );
}

function Rows({ gateway, rows }: { gateway: Gateway; rows: readonly Row[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const rowPx = isNarrow.value ? CARD_PX : ROW_PX;
  const { first, last } = useWindow(scroller, rowPx, rows.length);

  /** Arrow keys move between the links; a hidden row is scrolled into view first. */
  function walk(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -rows.length, End: rows.length }[
      event.key
    ];
    const element = scroller.current;
    if (step === undefined || !element) return;
    event.preventDefault();
    const at = (event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset.index;
    const to = Math.max(0, Math.min(rows.length - 1, at === undefined ? 0 : Number(at) + step));
    const room = element.clientHeight - rowPx * 2;
    if (to * rowPx < element.scrollTop) element.scrollTop = to * rowPx;
    else if (to * rowPx > element.scrollTop + room) element.scrollTop = to * rowPx - room;
    const focus = (): void =>
      element.querySelector<HTMLElement>(`[data-index="${to}"] a`)?.focus({ preventScroll: true });
    requestAnimationFrame(() => requestAnimationFrame(focus));
  }

  return (
    <div
      class="scroller"
      ref={scroller}
      role="table"
      aria-label="Jobs"
      aria-rowcount={rows.length + 1}
      tabIndex={0}
      onKeyDown={walk}
    >
      <Heads />
      <div role="rowgroup" class="rows" style={{ height: `${rows.length * rowPx}px` }}>
        {rows.slice(first, last).map((row, n) => (
          <JobRow
            key={row.run}
            row={row}
            trail={gateway.trails.get(row.run)}
            index={first + n}
            top={(first + n) * rowPx}
            href={jobHref(row.source, row.job, row.run)}
          />
        ))}
      </div>
    </div>
  );
}

function Heads() {
  const { by, down } = sort.value;
  return (
    <div role="rowgroup" class="heads">
      <div role="row" class="grid" aria-rowindex={1}>
        {COLUMNS.map(({ key, label, numeric }) => (
          <div
            key={key}
            role="columnheader"
            class={numeric ? `cell-${key} right` : `cell-${key}`}
            aria-sort={by !== key ? 'none' : down ? 'descending' : 'ascending'}
          >
            <button type="button" class="head" onClick={() => (sort.value = { by: key, down: by === key && !down })}>
              {(view.value === 'ended' && ENDED_LABELS[key]) || label}
              <span aria-hidden="true" class="arrow">
                {by === key ? (down ? '↓' : '↑') : ''}
              </span>
            </button>
          </div>
        ))}
      </div>
    </div>
  );
}
