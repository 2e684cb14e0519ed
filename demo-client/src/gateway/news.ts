// Watches the page's state for news, and gives them out as one bulletin at a time.
import { effect } from '@preact/signals';
import {
  type Bulletin,
  bulletinOf,
  dueAt,
  type News,
  newsOf,
  newsOfUnseen,
  type Unseen,
} from '../model/events/news.js';
import type { Frame } from '../model/fleet/live-table.js';
import type { Gateway } from './gateway.js';

/** Whom the news are for. */
export interface Audience {
  /** Whether to collect them now; what comes while nobody is there is not kept. */
  isThere(): boolean;
  publish(bulletin: Bulletin): void;
}

/** Returns the end of the watch. */
export function watchNews(gateway: Gateway, { isThere, publish }: Audience): () => void {
  let seen: { table: Frame | undefined; unseen: Unseen } = { table: undefined, unseen: gateway.unseen.peek() };
  let gathered: News[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shownAt: number | undefined;

  function show(): void {
    timer = undefined;
    const bulletin = isThere() ? bulletinOf(gathered) : undefined;
    gathered = [];
    if (!bulletin) return;
    shownAt = Date.now();
    publish(bulletin);
  }

  const stop = effect(() => {
    const table = gateway.table.value;
    const unseen = gateway.unseen.value;
    if (!table) return;
    const state = gateway.state.peek();
    const reader = {
      principal: state.phase === 'open' ? state.principal : undefined,
      requested: gateway.requested,
    };
    const before = seen;
    seen = { table, unseen };
    const news = [...(table === before.table ? [] : newsOf(table, reader)), ...newsOfUnseen(before.unseen, unseen)];
    if (news.length === 0 || !isThere()) return;
    gathered.push(...news);
    const now = Date.now();
    timer ??= setTimeout(show, dueAt(now, shownAt) - now);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}
