// The rows of the table: only those in sight are in the document. The keyboard walks, chooses and opens them.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import { hasVerb } from 'qmp-gateway/protocol';
import { type Gateway, scopesOf } from '../../gateway/gateway.js';
import { targetsOf } from '../../model/fleet/batch.js';
import { fitColumns } from '../../model/fleet/columns.js';
import { type Item, indexOfKey, keyOf } from '../../model/fleet/groups.js';
import { toggleGroup } from '../../model/fleet/listing.js';
import type { Row } from '../../model/fleet/rows.js';
import { chooseAll, extendTo, NOTHING, toggleRun } from '../../model/fleet/selection.js';
import { mixed, uniform } from '../../model/page/heights.js';
import { jobHref, parseRoute } from '../../model/page/route.js';
import { ABORT_FORM } from '../../model/run/abort.js';
import { effectOf } from '../../model/run/intent.js';
import { act } from '../../page/acting.js';
import { useActions } from '../../page/actions.js';
import { changeListing, go, listing } from '../../page/location.js';
import { say } from '../../page/said.js';
import { cursor, selection } from '../../page/selection.js';
import { isNarrow } from '../parts/narrow.js';
import { useWalk } from '../parts/walk.js';
import { useWindow } from '../parts/window.js';
import { GroupRow } from './group-row.js';
import { Heads } from './heads.js';
import { JobRow } from './job-row.js';

const ROW_PX = 44;
const CARD_PX = 92;
const GROUP_PX = 40;

interface JobRowsProps {
  gateway: Gateway;
  table: JobTable;
  items: readonly Item[];
  /** All that match the filter, those of closed groups too. */
  rows: readonly Row[];
  onMenu(row: Row): void;
}

export function JobRows({ gateway, table, items, rows, onMenu }: JobRowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { columns: chosen, folding, tab } = listing();
  const rowPx = isNarrow.value ? CARD_PX : ROW_PX;
  const shape = folding ? items : undefined;
  const heights = useMemo(
    () =>
      shape ? mixed(shape.map((item) => (item.kind === 'group' ? GROUP_PX : rowPx))) : uniform(items.length, rowPx),
    [shape, items.length, rowPx],
  );
  const { first, last, width } = useWindow(scroller, heights);
  const room = isNarrow.value ? Number.POSITIVE_INFINITY : width;
  const fit = useMemo(() => fitColumns(chosen, tab, room), [chosen, tab, room]);
  const inSight = items.slice(first, last);
  useStarts(gateway, table, inSight);
  const order = (): string[] => rows.map(({ run }) => run);
  const orderNow = useRef(order);
  orderNow.current = order;
  // The same function in each rendering, as a row whose properties are the same is not rendered again.
  const onChoose = useCallback((run: string, isRange: boolean): void => {
    selection.value = isRange ? extendTo(selection.value, orderNow.current(), run) : toggleRun(selection.value, run);
  }, []);
  const place = useRef(-1);
  const at = indexOfKey(items, cursor.value, place.current);
  const gone = cursor.value !== undefined && at < 0 && place.current >= 0 ? place.current : undefined;
  if (gone === undefined) place.current = at;
  const current = items[at];

  const { bring, move } = useWalk({
    scroller,
    heights,
    at,
    gone,
    focus: ':is(a, .group-name)',
    onMove: (index) => (cursor.value = items[index] && keyOf(items[index])),
  });
  // Back from a job, its row is in sight.
  useLayoutEffect(() => {
    if (at >= 0) bring(at);
  }, []);

  /** Chooses all from the anchor to the row that is reached. */
  const reach = (by: number) => () => {
    if (selection.value.anchor === undefined && current?.kind === 'row')
      selection.value = extendTo(selection.value, order(), current.run);
    const item = items[move(by)];
    if (item?.kind === 'row') selection.value = extendTo(selection.value, order(), item.run);
  };
  const foldGroup = (source: string): void =>
    changeListing({ folding: folding && toggleGroup(folding, source) }, 'replace');

  function open(): void {
    if (current?.kind === 'group') foldGroup(current.source);
    else if (current) go(parseRoute(jobHref(current.source, current.job, current.run)));
  }
  /** The chosen jobs, where some are; a dialog for this row alone would surprise then. */
  function abort(): void {
    if (selection.value.runs.size > 0) return act('abort', targetsOf(selection.value.runs, table));
    if (current?.kind !== 'row') return;
    const job = table.jobs.get(current.run);
    const source = job && table.sources.get(job.source);
    // By force even a job that stands still can be aborted, so the dialog opens for it.
    const effect = effectOf({ verb: 'abort', form: { ...ABORT_FORM, force: hasVerb(source, 'force') } }, job, {
      source,
      scopes: scopesOf(gateway),
    });
    if (effect.ok) act('abort', [current]);
    else say(effect.why);
  }
  const menu = (): void => {
    if (current?.kind === 'row') onMenu(current);
  };
  useActions({
    'choose-down': reach(1),
    'choose-up': reach(-1),
    ...(current?.kind === 'row' && { choose: () => (selection.value = toggleRun(selection.value, current.run)) }),
    'choose-all': () => (selection.value = chooseAll(selection.value, order())),
    ...(selection.value.runs.size > 0 && { release: () => (selection.value = NOTHING) }),
    ...(at >= 0 && { open, menu }),
    ...((at >= 0 || selection.value.runs.size > 0) && { abort }),
  });

  return (
    <div
      class="scroller"
      ref={scroller}
      role="table"
      aria-label="Jobs"
      aria-rowcount={items.length + 1}
      aria-colcount={fit.columns.length + 2}
      tabIndex={0}
      style={{ '--columns': fit.template, '--least': isNarrow.value ? '0' : `${fit.minWidth}px` }}
    >
      <Heads columns={fit.columns} rows={rows} />
      <div role="rowgroup" class="rows" style={{ '--height': `${heights.total}px` }}>
        {inSight.map((item, n) => {
          const placed = { index: first + n, top: heights.topOf(first + n), isAt: first + n === at };
          return item.kind === 'group' ? (
            <GroupRow key={keyOf(item)} group={item} onFold={foldGroup} {...placed} />
          ) : (
            <JobRow
              key={item.run}
              row={item}
              trail={gateway.trails.get(item.run)}
              fit={fit}
              showSource={!folding && !fit.columns.includes('source')}
              isChosen={selection.value.runs.has(item.run)}
              onChoose={onChoose}
              onMenu={onMenu}
              {...placed}
            />
          );
        })}
      </div>
    </div>
  );
}

/** Milliseconds for which rows must stay in sight: what is scrolled by is not asked for. */
const REST_MS = 150;

/** Asks when the runs in sight began. */
function useStarts(gateway: Gateway, { jobs }: JobTable, items: readonly Item[]): void {
  const runs = items.flatMap((item) => (item.kind === 'row' && !item.start && item.live ? [item.run] : []));
  const key = runs.join();
  const isOpen = gateway.state.value.phase === 'open';
  useEffect(() => {
    if (!isOpen || runs.length === 0) return undefined;
    const timer = setTimeout(() => gateway.starts.want(runs.flatMap((run) => jobs.get(run) ?? [])), REST_MS);
    return () => clearTimeout(timer);
  }, [gateway, key, isOpen]);
}
