// Hooks for React 18 or later: the connection, live jobs, and how jobs ended. A component is drawn again at most once a frame of the display.
import { foldEvents, foldProgress, tableOf } from 'qmp-gateway/client';
import { useEffect, useState, useSyncExternalStore } from 'react';

/** The state of the client's connection: `{phase, …}`. */
export const useConnection = (client) => useSyncExternalStore(client.onState, () => client.state);

/**
 * The jobs of a filter, and the settlements that the gateway keeps: `{table, gap, error}`. `table` is `undefined` before the first snapshot; `table.jobs` and
 * `table.settled` are maps. `gap` is the last one; `error` says that the subscription has ended for good.
 */
export function useJobs(client, filter = {}) {
  const [view, setView] = useState({});
  // A filter that is written in the component is another object each time.
  const key = JSON.stringify(filter);
  useEffect(() => {
    let now = {};
    let due;
    let subscription;
    // What was there is of another filter.
    setView(now);
    const show = (part) => {
      now = { ...now, ...part };
      due ??= requestAnimationFrame(() => {
        due = undefined;
        setView(now);
      });
    };
    try {
      subscription = client.subscribe(
        { progress: true, ...JSON.parse(key) },
        {
          snapshot: (cut) => show({ table: tableOf(cut) }),
          events: (events, cursor) => show({ table: foldEvents(now.table, events, cursor) }),
          progress: (rows) => show({ table: foldProgress(now.table, rows, new Date().toISOString()) }),
          gap: (gap) => show({ gap }),
          error: (error) => show({ error }),
        },
      );
    } catch (error) {
      // The client is closed for good.
      show({ error });
    }
    return () => {
      subscription?.unsubscribe();
      cancelAnimationFrame(due);
    };
  }, [client, key]);
  return view;
}
