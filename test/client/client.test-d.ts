// Checked by `tsc -p tsconfig.test.json`; never run.
import type { Observable } from 'rxjs';
import { expectTypeOf } from 'vitest';
import WebSocket from 'ws';
import { type Client, type ClientState, createClient } from '../../src/client/index.js';
import { createClient as createNodeClient } from '../../src/client/node.js';
import { events, jobs } from '../../src/client/rx.js';
import type { Requested, Settled } from '../../src/protocol/methods.js';
import type { BlockJobEventData, Entry, EventOf, Job, RunId } from '../../src/protocol/types.js';

declare const client: Client;

// `data` follows from the literal types of the filter.
expectTypeOf(events(client, { types: ['BLOCK_JOB_CANCELLED'] })).toEqualTypeOf<
  Observable<EventOf<'BLOCK_JOB_CANCELLED'>>
>();
events(client, { types: ['BLOCK_JOB_CANCELLED', 'GATEWAY_JOB_SETTLED'] }).subscribe((event) => {
  if (event.type === 'BLOCK_JOB_CANCELLED') expectTypeOf(event.data).toEqualTypeOf<BlockJobEventData>();
  else expectTypeOf(event.data.outcome).toEqualTypeOf<'completed' | 'cancelled' | 'failed' | 'lost'>();
});
expectTypeOf(events(client, { types: ['BLOCK_JOB_*'] })).toEqualTypeOf<Observable<Entry>>();
expectTypeOf(events(client)).toEqualTypeOf<Observable<Entry>>();
jobs(client).subscribe((table) => expectTypeOf(table.jobs).toEqualTypeOf<ReadonlyMap<RunId, Job>>());

// @ts-expect-error a table of filtered types would lie
jobs(client, { types: ['BLOCK_JOB_READY'] });
// @ts-expect-error progress has its own stream
events(client, { types: ['BLOCK_JOB_READY'], progress: true });

// A synchronous abort settles; an asynchronous one may.
const target = { source: 'vm1', job: 'drive0' };
expectTypeOf(client.abort({ ...target, sync: true })).toEqualTypeOf<Promise<Settled>>();
expectTypeOf(client.abort(target)).toEqualTypeOf<Promise<Requested | Settled>>();

// Every WebSocket fits.
createClient({ url: 'ws://x', WebSocket });
createNodeClient({ url: 'ws://x', token: async () => 'secret' });

// The state is closed.
export function show(state: ClientState): string {
  switch (state.phase) {
    case 'connecting':
    case 'authenticating':
      return `attempt ${state.attempt}`;
    case 'open':
      return `since ${state.since}`;
    case 'waiting':
      return `${state.reason.cause} until ${state.retryAt}`;
    case 'closed':
      return state.reason.cause;
  }
}
