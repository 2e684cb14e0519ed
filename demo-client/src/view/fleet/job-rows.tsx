// The rows of the table: only those in sight are in the document. The keyboard walks, chooses and opens them.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JobTable } from 'qmp-gateway/client';
import { hasVerb, type Job, mayControl, offeredVerbs } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { fitColumns } from '../../model/fleet/columns.js';
import { type Item, keyOf } from '../../model/fleet/groups.js';
import { toggleGroup } from '../../model/fleet/listing.js';
import type { Row } from '../../model/fleet/rows.js';
import { chooseAll, extendTo, NOTHING, toggleRun } from '../../model/fleet/selection.js';
import { mixed, uniform } from '../../model/page/heights.js';
import { jobHref, parseRoute } from '../../model/page/route.js';
import { useActions } from '../../page/actions.js';
import { changeListing, go, listing } from '../../page/location.js';
import { say } from '../../page/said.js';
import { cursor, selection } from '../../page/selection.js';
import { AbortDialog } from '../job/abort-dialog.js';
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
}

export function JobRows({ gateway, table, items, rows }: JobRowsProps) {
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
  const fit = fitColumns(chosen, tab, isNarrow.value ? Number.POSITIVE_INFINITY : width);
  const inSight = items.slice(first, last);
  useStarts(gateway, table, inSight);
  const [target, setTarget] = useState<Job>();
  const order = (): string[] => rows.map(({ run }) => run);
  const at = items.findIndex((item) => keyOf(item) === cursor.value);

  const { bring, move } = useWalk({
    scroller,
    heights,
    at,
    focusOf: (index) => `[data-index="${index}"] :is(a, .group-name)`,
    onMove: (index) => (cursor.value = items[index] && keyOf(items[index])),
  });
  // Back from a job, its row is in sight.
  useLayoutEffect(() => {
    if (at >= 0) bring(at);
  }, []);

  /** Chooses all from the anchor to the row that is reached. */
  const reach = (by: number) => () => {
    const from = items[at];
    if (selection.value.anchor === undefined && from?.kind === 'row')
      selection.value = extendTo(selection.value, order(), from.row.run);
    const item = items[move(by)];
    if (item?.kind === 'row') selection.value = extendTo(selection.value, order(), item.row.run);
  };
  const foldGroup = (source: string): void =>
    changeListing({ folding: folding && toggleGroup(folding, source) }, 'replace');

  function open(): void {
    const item = items[at];
    if (item?.kind === 'group') foldGroup(item.group.source);
    else if (item) go(parseRoute(jobHref(item.row.source, item.row.job, item.row.run)));
  }
  function abort(): void {
    const item = items[at];
    const job = item?.kind === 'row' ? table.jobs.get(item.row.run) : undefined;
    const why = refusal(gateway, table, job);
    if (why === undefined) setTarget(job);
    else say(why);
  }
  useActions({
    'choose-down': reach(1),
    'choose-up': reach(-1),
    ...(items[at]?.kind === 'row' && {
      choose: () => (selection.value = toggleRun(selection.value, keyOf(items[at] as Item))),
    }),
    'choose-all': () => (selection.value = chooseAll(selection.value, order())),
    ...(selection.value.runs.size > 0 && { release: () => (selection.value = NOTHING) }),
    ...(at >= 0 && { open, abort }),
  });

  return (
    <div
      class="scroller"
      ref={scroller}
      role="table"
      aria-label="Jobs"
      aria-rowcount={items.length + 1}
      aria-colcount={fit.columns.length + 1}
      tabIndex={0}
      style={{ '--columns': fit.template, '--least': isNarrow.value ? '0' : `${fit.minWidth}px` }}
    >
      <Heads columns={fit.columns} rows={rows} />
      <div role="rowgroup" class="rows" style={{ height: `${heights.total}px` }}>
        {inSight.map((item, n) => {
          const place = { index: first + n, top: heights.topOf(first + n), isAt: first + n === at };
          return item.kind === 'group' ? (
            <GroupRow key={keyOf(item)} group={item.group} onFold={foldGroup} {...place} />
          ) : (
            <JobRow
              key={item.row.run}
              row={item.row}
              trail={gateway.trails.get(item.row.run)}
              fit={fit}
              showSource={!folding && !fit.columns.includes('source')}
              isChosen={selection.value.runs.has(item.row.run)}
              onChoose={(isRange) =>
                (selection.value = isRange
                  ? extendTo(selection.value, order(), item.row.run)
                  : toggleRun(selection.value, item.row.run))
              }
              {...place}
            />
          );
        })}
      </div>
      {target && (
        <AbortDialog
          gateway={gateway}
          job={target}
          now={table.jobs.get(target.run)}
          mayForce={hasVerb(table.sources.get(target.source), 'force')}
          onClose={() => setTarget(undefined)}
        />
      )}
    </div>
  );
}

/** Why a job can't be aborted now. */
function refusal(gateway: Gateway, table: JobTable, job: Job | undefined): string | undefined {
  if (!job) return 'This run has ended.';
  const state = gateway.state.value;
  const scopes = state.phase === 'open' ? state.scopes : undefined;
  if (scopes && !mayControl(scopes, job.source)) return `You may not control the jobs of ${job.source}.`;
  const isOffered = offeredVerbs(job, table.sources.get(job.source)).includes('abort');
  return isOffered ? undefined : `${job.job} is ${job.status}: there is nothing to abort.`;
}

/** Milliseconds for which rows must stay in sight: each answer makes all rows anew, so none is asked for while the user scrolls. */
const REST_MS = 150;

/** Asks when the runs in sight began. */
function useStarts(gateway: Gateway, { jobs }: JobTable, items: readonly Item[]): void {
  const runs = items.flatMap((item) => (item.kind === 'row' && !item.row.start && item.row.live ? [item.row.run] : []));
  const key = runs.join();
  const isOpen = gateway.state.value.phase === 'open';
  useEffect(() => {
    if (!isOpen || runs.length === 0) return undefined;
    const timer = setTimeout(() => gateway.starts.want(runs.flatMap((run) => jobs.get(run) ?? [])), REST_MS);
    return () => clearTimeout(timer);
  }, [gateway, key, isOpen]);
}
