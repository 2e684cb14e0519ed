// One filter of one connection, and how far it has been served.

import type { Outbox } from '../wire/outbox.js';
import type { CompiledFilter } from './filter.js';
import type { Snapshot } from './snapshot.js';

/** A connection as the hub sees it. */
export interface Peer {
  readonly outbox: Outbox;
  readonly subscriptions: Map<string, Subscription>;
  /** Something of this connection was read on: answers that wait for it may go. */
  advanced(): void;
}

/**
 * `live`: a member of its group. `behind`: reads on from the log. `paging`: its snapshot is not out yet. `regranted`: its client is granted
 * something else, and has not been told.
 */
export type SubscriptionState =
  | { kind: 'live' }
  | { kind: 'behind' }
  | { kind: 'paging'; snapshot: Snapshot; next: number }
  | { kind: 'regranted' }
  | { kind: 'ended' };

export interface Subscription {
  readonly peer: Peer;
  readonly filter: CompiledFilter;
  /** Its id under the grants before: the client may still use it. */
  readonly formerly: string | undefined;
  /** Milliseconds, where progress was asked for. */
  readonly progressMs: number | undefined;
  state: SubscriptionState;
  /** Offset up to which every matching entry was written. */
  examined: number;
  /** While live: number of the group's frame that comes next. */
  nextFrame: number;
}
