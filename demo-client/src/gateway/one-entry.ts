// One entry of the log by its cursor, for a link to an event that the page's feed does not have.
import type { Client } from 'qmp-gateway/client';
import { cursorBefore, type Entry, epochOf, formatCursor } from 'qmp-gateway/protocol';

/** Milliseconds without the entry after which the log does not have it. */
const PATIENCE_MS = 3_000;

/** Calls `done` once: with the entry, or with the reason why there is none. Returns the cancellation. */
export function readEntry(client: Client, cursor: string, done: (found: Entry | string) => void): () => void {
  const finish = (found: Entry | string): void => {
    stop();
    done(found);
  };
  const timer = setTimeout(() => finish('The gateway did not send this event.'), PATIENCE_MS);
  const subscription = client.subscribe(
    { after: cursorBefore(cursor) },
    {
      events(entries, at) {
        const epoch = epochOf(at) ?? '';
        const entry = entries.find(({ offset }) => formatCursor(epoch, offset) === cursor);
        finish(entry ?? 'There is no such event, or you may not see it.');
      },
      gap: () => finish('This event has left the gateway’s log.'),
      error: (error) => finish(error.message),
    },
  );
  function stop(): void {
    clearTimeout(timer);
    subscription.unsubscribe();
  }
  return stop;
}
