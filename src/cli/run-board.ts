// A board in a terminal, from the first snapshot until a key or a signal ends it.
import { once } from 'node:events';
import { type Client, foldEvents, foldProgress, type JobTable, type SubscribeFilter, tableOf } from '../client/node.js';
import type { Board } from './board.js';
import { eventLine } from './format.js';
import { openJobTypes, withTypes } from './job-types.js';
import { readKeys } from './keys.js';
import { announceLine, gapLine } from './remote.js';
import type { Times } from './times.js';

/** Changes that are printed as lines that stay. */
export const KEPT = [
  'GATEWAY_JOB_SETTLED',
  'GATEWAY_JOB_ATTENTION',
  'BLOCK_JOB_READY',
  'GATEWAY_SOURCE_UP',
  'GATEWAY_SOURCE_DOWN',
];

/**
 * The terminal is taken once the gateway was reached, and given back before an error is printed: the other screen of a terminal would hide it.
 *
 * @param open with the present table.
 */
export async function runBoard(
  client: Client,
  filter: SubscribeFilter,
  times: Times,
  open: (table: () => JobTable) => Board,
): Promise<void> {
  await client.info();
  let table: JobTable = tableOf({ jobs: [], settled: [], sources: [], cursor: '' });
  const board = open(() => table);
  const show = (next: JobTable): void => {
    table = next;
    board.draw();
    types.look(() => table);
  };
  const types = openJobTypes(client, (found) => show(withTypes(table, found)));
  client.subscribe(filter, {
    gap: (gap) => board.log(gapLine(gap)),
    snapshot: (snapshot) => show(tableOf(snapshot)),
    events: (entries, cursor) => {
      for (const entry of entries) if (KEPT.includes(entry.type)) board.log(eventLine(entry, times));
      show(foldEvents(table, entries, cursor));
    },
    progress: (rows) => show(foldProgress(table, rows, new Date().toISOString())),
  });
  announceLine(client, board.log);
  const quit = readKeys(board.press);
  // The gateway may refuse the client for good, as when its token has expired.
  const closed = new Promise<void>((resolve) => {
    client.onState(({ phase }) => phase === 'closed' && resolve());
  });
  await Promise.race([quit.pressed, closed, once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  types.close();
  board.close();
  quit.stop();
}
