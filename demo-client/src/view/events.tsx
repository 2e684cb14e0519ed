// The live feed of events, newest first, with a filter and a pause.
import { useMemo, useRef, useState } from 'preact/hooks';
import { describeGap } from 'qmp-gateway/protocol';
import { FEED_MAX, type FeedItem, type Gateway } from '../gateway.js';
import { clock } from '../model/clock.js';
import { describe } from '../model/describe.js';
import { feedMatcher } from '../model/feed-filter.js';
import { jobHref } from '../model/route.js';
import { isNarrow } from './narrow.js';
import { Notice } from './notice.js';
import { useWindow } from './window.js';

const LINE_PX = 30;
const CARD_PX = 58;

export function Events({ gateway }: { gateway: Gateway }) {
  const [text, setText] = useState('');
  const [held, setHeld] = useState<readonly FeedItem[]>();
  const live = gateway.feed.value;
  const all = held ?? live;
  const shown = useMemo(() => all.filter(feedMatcher(text)).reverse(), [all, text]);
  const since = held ? newer(live, held) : 0;
  const toggle = (): void => setHeld(held ? undefined : live);
  return (
    <section class="card events" aria-labelledby="events-title">
      <div class="toolbar">
        <h1 id="events-title" class="as-h2">
          Events
        </h1>
        <button type="button" aria-pressed={held !== undefined} onClick={toggle} data-testid="pause">
          {held ? `Resume (${since.toLocaleString('en')} new)` : 'Pause'}
        </button>
        <input
          type="search"
          id="filter"
          aria-label="Filter events"
          placeholder="Filter: type, source, job, text  ( / )"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <output class="muted num count">
          {shown.length.toLocaleString('en')}{' '}
          {shown.length === all.length ? '' : `of ${all.length.toLocaleString('en')}`}
        </output>
      </div>
      {shown.length === 0 ? (
        <Notice title={all.length === 0 ? 'No event yet' : 'No event matches the filter'}>
          {all.length === 0
            ? `Events show here as QEMU raises them; the page keeps the newest ${FEED_MAX.toLocaleString('en')}.`
            : 'Clear it, or wait.'}
        </Notice>
      ) : (
        <Feed items={shown} />
      )}
    </section>
  );
}

function newer(live: readonly FeedItem[], held: readonly FeedItem[]): number {
  const last = held.at(-1)?.key;
  return live.length - 1 - live.findLastIndex(({ key }) => key === last);
}

function Feed({ items }: { items: readonly FeedItem[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const px = isNarrow.value ? CARD_PX : LINE_PX;
  const { first, last } = useWindow(scroller, px, items.length);
  return (
    <div class="scroller feed" ref={scroller} tabIndex={0} role="log" aria-live="off" aria-label="Events, newest first">
      <ol class="rows" style={{ height: `${items.length * px}px` }}>
        {items.slice(first, last).map((item, n) => (
          <li key={item.key} class="row" style={{ transform: `translateY(${(first + n) * px}px)`, height: `${px}px` }}>
            {item.kind === 'gap' ? <GapLine item={item} /> : <EntryLine item={item} />}
          </li>
        ))}
      </ol>
    </div>
  );
}

function GapLine({ item: { at, gap } }: { item: Extract<FeedItem, { kind: 'gap' }> }) {
  return (
    <div class="event gap tone-warn">
      <time class="num">{clock(new Date(at).toISOString())}</time>
      <strong>Reset</strong>
      <span class="what">
        {describeGap(gap.reason)} Events after {gap.after} may be missing.
      </span>
    </div>
  );
}

function EntryLine({ item: { entry } }: { item: Extract<FeedItem, { kind: 'entry' }> }) {
  const { text, tone } = describe(entry);
  return (
    <div class={`event tone-${tone}`} data-type={entry.type} data-offset={entry.offset}>
      <time class="num" dateTime={entry.time ?? undefined}>
        {clock(entry.time)}
      </time>
      <span class="where">
        {entry.source}
        {entry.job && (
          <>
            {' / '}
            <a href={jobHref(entry.source, entry.job.id, entry.job.run)}>{entry.job.id}</a>
          </>
        )}
      </span>
      <code>{entry.type}</code>
      <span class="what" title={text}>
        {text}
      </span>
      <span class="num muted offset">{entry.offset}</span>
    </div>
  );
}
