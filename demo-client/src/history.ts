// What happened before the page came. In: a client, the cursor of its first snapshot. Out: the log's newest entries up to there, once.
import type { Client } from 'qmp-gateway/client';
import { type Entry, formatCursor, parseCursor } from 'qmp-gateway/protocol';

/** Enough to read, little to send. */
const ENTRIES = 300;

/** Calls `done` at most once, and not at all where the log does not reach back so far. Returns the cancellation. */
export function readHistory(client: Client, cursor: string, done: (entries: readonly Entry[]) => void): () => void {
  const end = parseCursor(cursor);
  if (!end || end.offset === 0) return () => {};
  const found: Entry[] = [];
  const subscription = client.subscribe(
    // Every type has a character. A bare `*` would be the page's own subscription, and this one would replace it.
    { types: ['?*'], after: formatCursor(end.epoch, Math.max(0, end.offset - ENTRIES)) },
    {
      events(entries, at) {
        found.push(...entries.filter(({ offset }) => offset <= end.offset));
        if ((parseCursor(at)?.offset ?? 0) < end.offset) return;
        subscription.unsubscribe();
        done(found);
      },
      gap: () => subscription.unsubscribe(),
    },
  );
  return () => subscription.unsubscribe();
}
