// Events before the page was loaded: the log's newest entries up to the cursor of the first snapshot, read once.
import type { Client } from 'qmp-gateway/client';
import { compareCursors, type Entry, entriesAfter } from 'qmp-gateway/protocol';

/** Enough to read, and little to send. */
const ENTRIES = 300;

/** Calls `done` at most once; not at all if the gateway lacks `last`. Returns the cancellation. */
export function readHistory(client: Client, cursor: string, done: (entries: readonly Entry[]) => void): () => void {
  const found: Entry[] = [];
  const subscription = client.subscribe(
    { last: ENTRIES },
    {
      events(entries, at) {
        const known = new Set(entriesAfter(entries, cursor));
        found.push(...entries.filter((entry) => !known.has(entry)));
        if ((compareCursors(at, cursor) ?? 0) < 0) return;
        subscription.unsubscribe();
        done(found);
      },
      gap: () => subscription.unsubscribe(),
    },
  );
  return () => subscription.unsubscribe();
}
