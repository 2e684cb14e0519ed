// The live feed of events, newest first, with a filter and a pause.
import { useMemo, useState } from 'preact/hooks';
import { FEED_MAX, type FeedItem, type Gateway } from '../../gateway/gateway.js';
import { feedMatcher } from '../../model/events/feed-filter.js';
import { isImportant } from '../../model/events/severity.js';
import type { Feed } from '../../model/page/route.js';
import { useActions } from '../../page/actions.js';
import { changeFeed } from '../../page/location.js';
import { Notice } from '../parts/notice.js';
import { FeedList } from './feed-list.js';
import { OpenEntry } from './open-entry.js';

export function Events({ gateway, feed: { filter, isImportantOnly, open } }: { gateway: Gateway; feed: Feed }) {
  const [held, setHeld] = useState<readonly FeedItem[]>();
  const live = gateway.feed.value;
  const all = held ?? live;
  const shown = useMemo(() => {
    const matches = feedMatcher(filter);
    const isShown = (item: FeedItem): boolean =>
      matches(item) && (!isImportantOnly || item.kind === 'gap' || isImportant(item.entry));
    return all.filter(isShown).reverse();
  }, [all, filter, isImportantOnly]);
  const since = held ? newer(live, held) : 0;
  const pause = (): void => setHeld(held ? undefined : live);
  const important = (): void => changeFeed({ isImportantOnly: !isImportantOnly });
  useActions({ pause, important });
  return (
    <section class="card events" aria-labelledby="events-title">
      <div class="toolbar">
        <h1 id="events-title" class="as-h2">
          Events
        </h1>
        <button type="button" aria-pressed={held !== undefined} onClick={pause} data-testid="pause">
          {held ? `Resume (${since.toLocaleString('en')} new)` : 'Pause'}
        </button>
        <button type="button" aria-pressed={isImportantOnly} onClick={important} data-testid="important">
          Important only
        </button>
        <output class="muted num count">
          {shown.length.toLocaleString('en')}{' '}
          {shown.length === all.length ? '' : `of ${all.length.toLocaleString('en')}`}
        </output>
        <input
          type="search"
          id="filter"
          aria-label="Filter events"
          placeholder="Filter: type, source, job, text  ( / )"
          value={filter}
          onInput={(event) => changeFeed({ filter: event.currentTarget.value }, 'replace')}
        />
      </div>
      {shown.length === 0 ? (
        <Notice title={all.length === 0 ? 'No event yet' : 'No event matches the filter'}>
          {all.length === 0
            ? `Events show here as QEMU raises them; the page keeps the newest ${FEED_MAX.toLocaleString('en')}.`
            : 'Clear it, or wait.'}
        </Notice>
      ) : (
        <FeedList items={shown} />
      )}
      {open !== undefined && <OpenEntry key={open} gateway={gateway} cursor={open} />}
    </section>
  );
}

function newer(live: readonly FeedItem[], held: readonly FeedItem[]): number {
  const last = held.at(-1)?.key;
  return live.length - 1 - live.findLastIndex(({ key }) => key === last);
}
