// What a subscription asks for and what it hears. Types only.
import type { Cut } from '../protocol/job-table.js';
import type { Cursor, Entry, Filter, Progress } from '../protocol/types.js';
import type { GatewayError } from './errors.js';

/** Why a snapshot replaces what the observer had. Anything but `initial` means: events may be missing in between. */
export type SnapshotReason = 'initial' | 'retention' | 'epoch' | 'grants';

export interface Snapshot extends Cut {
  reason: SnapshotReason;
}

/** Continuity was lost: matching events after `after` and up to `cursor` may never have been delivered here. */
export interface Gap {
  reason: Exclude<SnapshotReason, 'initial'>;
  /** The last position up to which nothing was missed. */
  after: Cursor;
  /** Where the stream goes on. */
  cursor: Cursor;
}

/** Every callback is optional. One that throws is reported like any uncaught error and harms nobody else. */
export interface Observer {
  /** First, and again after each gap: replaces everything known before. */
  snapshot?(snapshot: Snapshot): void;
  /** New events in order, each exactly once. `cursor` may be stored and given to `after` later. */
  events?(events: readonly Entry[], cursor: Cursor): void;
  /** Fresh figures of active jobs; needs `progress` in the filter. Conflated, not replayed. */
  progress?(rows: readonly Progress[]): void;
  /** Before the snapshot that follows a loss of continuity. */
  gap?(gap: Gap): void;
  /** The subscription has ended for good: refused, or the client is closed by the server. */
  error?(error: GatewayError): void;
  /** The application closed the client. */
  complete?(): void;
}

export interface SubscribeFilter extends Filter {
  /** Go on after this position instead of beginning with a snapshot. */
  after?: Cursor;
  /** Begin so many matching entries back, 1 to 10,000, without a snapshot; fewer come where the gateway retains or examines fewer. Not together
   * with `after`. Errors with NOT_SUPPORTED where the gateway does not know it. */
  last?: number;
  /** Progress rows: `true` is every 1,000 ms, a number is milliseconds, rounded up to 100, 250, 500, 1000, 2000 or 5000. Default `false`. */
  progress?: boolean | number;
}

export interface Subscription {
  /** The last position delivered; `undefined` before the first. */
  readonly cursor: Cursor | undefined;
  /** Ends it, here at once. Idempotent. */
  unsubscribe(): void;
}
