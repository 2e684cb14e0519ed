// Types: the filter of a subscription, and the callbacks of its observer.
import type { Cut } from '../protocol/job-table.js';
import type { Cursor, Entry, Filter, Progress } from '../protocol/types.js';
import type { GatewayError } from './errors.js';

/** Why a snapshot replaces what the observer had. With any reason but `initial`, events may be missing in between. */
export type SnapshotReason = 'initial' | 'retention' | 'epoch' | 'grants';

export interface Snapshot extends Cut {
  reason: SnapshotReason;
}

/** Continuity was lost: matching events after `after` and up to `cursor` may not have been delivered. */
export interface Gap {
  reason: Exclude<SnapshotReason, 'initial'>;
  /** The last position up to which nothing is missing. */
  after: Cursor;
  /** The position from which delivery goes on. */
  cursor: Cursor;
}

/** Every callback is optional. An error that one throws is reported as an uncaught error and affects nothing else, but that `position` is not called any more after one of `events`. */
export interface Observer {
  /** First, and again after each gap: replaces everything known before. */
  snapshot?(snapshot: Snapshot): void;
  /** New events in order, each exactly once. `cursor` may be stored and given to `after` later. */
  events?(events: readonly Entry[], cursor: Cursor): void;
  /**
   * The position has moved, with events, which were given to `events` before, or without any: at the beginning, and with each bookmark. Who keeps it goes on
   * from there with `after`; who keeps only the cursors of events finds, where matching events are rare, that the gateway's log has gone past them.
   */
  position?(cursor: Cursor): void;
  /** Of what `last` or `from` asked for, older events are not retained, or were not examined. */
  truncated?(): void;
  /** New figures of active jobs; needs `progress` in the filter. Only the newest count: they are merged, and not replayed. */
  progress?(rows: readonly Progress[]): void;
  /** Called before the snapshot that follows a loss of continuity. */
  gap?(gap: Gap): void;
  /** The subscription has ended for good: it was refused, or the server closed the client. */
  error?(error: GatewayError): void;
  /** The application closed the client. */
  complete?(): void;
}

export interface SubscribeFilter extends Filter {
  /** Go on after this position instead of beginning with a snapshot. */
  after?: Cursor;
  /**
   * Begin so many matching entries back, 1 to 10,000, without a snapshot. Fewer come where the gateway retains or examines fewer. Not together with
   * `after`. Fails with NOT_SUPPORTED where the gateway lacks the feature.
   */
  last?: number;
  /**
   * Begin at this time, ISO 8601 with a zone, without a snapshot. Not together with `after` or `last`. Fails with NOT_SUPPORTED where the gateway lacks
   * the feature.
   */
  from?: string;
  /** Progress rows: `true` is every 1,000 ms, a number is milliseconds, rounded up to 100, 250, 500, 1000, 2000 or 5000. Default `false`. */
  progress?: boolean | number;
}

export interface Subscription {
  /** The last position delivered; `undefined` before the first. */
  readonly cursor: Cursor | undefined;
  /** Ends the subscription; no callback is called afterwards. Idempotent. */
  unsubscribe(): void;
}
