// The events as a table of which only the lines in sight are in the document.
import type { RefObject } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { describeGap } from 'qmp-gateway/protocol';
import type { FeedItem } from '../../gateway/gateway.js';
import { describe } from '../../model/events/describe.js';
import { SEVERITY } from '../../model/events/severity.js';
import { parseTime, zoneName } from '../../model/page/clock.js';
import { uniform } from '../../model/page/heights.js';
import { jobHref } from '../../model/page/route.js';
import { changeFeed } from '../../page/location.js';
import { zone } from '../../page/zone.js';
import { isNarrow } from '../parts/narrow.js';
import { Time } from '../parts/time.js';
import { useWalk } from '../parts/walk.js';
import { useWindow } from '../parts/window.js';

const LINE_PX = 32;
const CARD_PX = 62;

export function FeedList({ items }: { items: readonly FeedItem[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const px = isNarrow.value ? CARD_PX : LINE_PX;
  const heights = useMemo(() => uniform(items.length, px), [items.length, px]);
  useHeldPlace(scroller, items, px);
  const { first, last } = useWindow(scroller, heights);
  // By its key, since newer events move it down.
  const [cursor, setCursor] = useState<string>();
  useWalk({
    scroller,
    heights,
    at: items.findIndex(({ key }) => key === cursor),
    focus: 'button',
    onMove: (index) => setCursor(items[index]?.key),
  });
  return (
    <div
      class="scroller feed"
      ref={scroller}
      tabIndex={0}
      role="table"
      aria-label="Events, newest first"
      aria-rowcount={items.length + 1}
    >
      <div role="rowgroup" class="heads">
        <div role="row" class="event-heads" aria-rowindex={1}>
          <span role="columnheader">
            Time <span class="zone">{zoneName(Date.now(), zone.value)}</span>
          </span>
          <span role="columnheader">Severity</span>
          <span role="columnheader">Source / job</span>
          <span role="columnheader">Type</span>
          <span role="columnheader">What happened</span>
          <span role="columnheader" class="right">
            Number
          </span>
        </div>
      </div>
      <div role="rowgroup" class="rows" style={{ '--height': `${heights.total}px` }}>
        {items.slice(first, last).map((item, n) => (
          <div
            key={item.key}
            role="row"
            aria-rowindex={first + n + 2}
            class={`row ${item.key === cursor ? 'at' : ''}`}
            data-index={first + n}
            onFocusIn={() => setCursor(item.key)}
            style={{ '--top': `${(first + n) * px}px`, '--height': `${px}px` }}
          >
            {item.kind === 'gap' ? <GapLine item={item} /> : <EntryLine item={item} />}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Newer events come in at the top: what the user reads further down stays where it is. */
function useHeldPlace(scroller: RefObject<HTMLElement | null>, items: readonly FeedItem[], px: number): void {
  const before = useRef(items);
  useLayoutEffect(() => {
    const element = scroller.current;
    const first = Math.floor((element?.scrollTop ?? 0) / px);
    const key = before.current[first]?.key;
    before.current = items;
    if (!element || element.scrollTop === 0 || key === undefined) return;
    const now = items.findIndex((item) => item.key === key);
    if (now >= 0 && now !== first) element.scrollTop += (now - first) * px;
  }, [scroller, items, px]);
}

function GapLine({ item: { at, gap } }: { item: Extract<FeedItem, { kind: 'gap' }> }) {
  return (
    <div class="event gap tone-warn" role="cell">
      <Time at={at} isExact />
      <strong>Reset</strong>
      <span class="what">
        {describeGap(gap.reason)} Events after {gap.after} may be missing.
      </span>
    </div>
  );
}

function EntryLine({ item: { entry, key } }: { item: Extract<FeedItem, { kind: 'entry' }> }) {
  const { text, tone } = describe(entry);
  return (
    <div class={`event tone-${tone}`} role="none" data-type={entry.type} data-offset={entry.offset}>
      <span role="cell" class="when">
        <Time at={parseTime(entry.time)} isExact />
      </span>
      <span role="cell" class="severity">
        {SEVERITY[tone]}
      </span>
      <span role="cell" class="where">
        {entry.source}
        {entry.job && (
          <>
            {' / '}
            <a href={jobHref(entry.source, entry.job.id, entry.job.run)}>{entry.job.id}</a>
          </>
        )}
      </span>
      <span role="cell" class="type">
        <button
          type="button"
          class="as-text"
          title={`Show ${entry.type} as JSON`}
          onClick={() => changeFeed({ open: key })}
        >
          <code>{entry.type}</code>
        </button>
      </span>
      <span role="cell" class="what" title={text}>
        {text}
      </span>
      <span role="cell" class="num muted offset">
        {entry.offset}
      </span>
    </div>
  );
}
