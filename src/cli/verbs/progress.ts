// The bar of one job on stderr while its end is awaited; stdout has the result only.
import { type Client, foldEvents, foldProgress, type JobTable, tableOf } from '../../client/node.js';
import { openBars } from '../bars.js';
import type { Target } from '../refusal.js';

/** @returns ends it. */
export function showProgress(client: Client, { source, job }: Target): () => void {
  const bars = openBars(process.stderr);
  let table: JobTable = tableOf({ jobs: [], settled: [], sources: [], cursor: '' });
  const draw = (next: JobTable): void => {
    table = next;
    bars.draw({ jobs: [...table.jobs.values()].filter((each) => each.source === source && each.job === job) });
  };
  const subscription = client.subscribe(
    { sources: [source], jobs: [job], progress: 250 },
    {
      snapshot: (snapshot) => draw(tableOf(snapshot)),
      events: (entries, cursor) => draw(foldEvents(table, entries, cursor)),
      progress: (rows) => draw(foldProgress(table, rows, new Date().toISOString())),
    },
  );
  return () => {
    subscription.unsubscribe();
    bars.stop();
  };
}
