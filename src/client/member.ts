// One observer of a feed. In: cuts, events, progress. Out: the observer's calls, without gap or duplicate by its own cursor.
import { beginningOf, compareCursors, entriesAfter } from '../protocol/cursor.js';
import type { Cut } from '../protocol/job-table.js';
import type { Cursor, Entry, Progress } from '../protocol/types.js';
import type { GatewayError } from './errors.js';
import type { Observer, SnapshotReason } from './observer.js';

/**
 * `new` awaits a cut, `at` follows the stream, `held` is behind the place where the wire's stream starts: it takes nothing
 * until a resume from its own cursor has been answered.
 */
export type Place =
  | { name: 'new'; reason: SnapshotReason; lost?: Cursor }
  | { name: 'at' | 'held'; cursor: Cursor }
  | { name: 'gone' };

export class Member {
  place: Place;
  /** Milliseconds, 0 for none. */
  readonly progressMs: number;
  readonly wantsSnapshot: boolean;
  readonly #observer: Observer;
  readonly #report: (error: unknown) => void;

  constructor(observer: Observer, after: Cursor | undefined, progressMs: number, report: (error: unknown) => void) {
    this.#observer = observer;
    this.#report = report;
    this.progressMs = progressMs;
    this.wantsSnapshot = observer.snapshot !== undefined;
    this.place = after === undefined ? { name: 'new', reason: 'initial' } : { name: 'held', cursor: after };
  }

  get cursor(): Cursor | undefined {
    return 'cursor' in this.place ? this.place.cursor : undefined;
  }

  /** A cut replaces everything. */
  rebase(cut: Cut, reason: SnapshotReason): void {
    if (this.place.name === 'gone') return;
    const after = this.place.name === 'new' ? this.place.lost : this.place.cursor;
    // A new log may hold what came between its beginning and this connection. A snapshot shows that; without one it is asked for.
    const cursor = reason === 'epoch' && !this.wantsSnapshot ? beginningOf(cut.cursor) : cut.cursor;
    this.place = { name: cursor === cut.cursor ? 'at' : 'held', cursor };
    if (reason !== 'initial' && after !== undefined) {
      this.#call(() => this.#observer.gap?.({ reason, after, cursor }));
    }
    this.#call(() => this.#observer.snapshot?.({ ...cut, reason }));
  }

  /** The stream ended under it; the next cut tells the observer why. */
  uproot(reason: SnapshotReason): void {
    if ('cursor' in this.place) this.place = { name: 'new', reason, lost: this.place.cursor };
  }

  /** Lets a member that needs no snapshot begin here. */
  start(cursor: Cursor): void {
    if (this.place.name === 'new') this.place = { name: 'at', cursor };
  }

  /** The wire's stream starts at `start`: a member that is behind it waits for a resume of its own. */
  align(start: Cursor): void {
    if (!('cursor' in this.place)) return;
    const lead = compareCursors(this.place.cursor, start);
    this.place = { name: lead !== undefined && lead >= 0 ? 'at' : 'held', cursor: this.place.cursor };
  }

  /** Takes nothing until a resume from here has been answered. */
  hold(): void {
    if ('cursor' in this.place) this.place = { name: 'held', cursor: this.place.cursor };
  }

  events(events: readonly Entry[], cursor: Cursor): void {
    if (this.place.name !== 'at') return;
    // Another log without a reset: a resume from here will be told what has become of it.
    if (compareCursors(this.place.cursor, cursor) === undefined) {
      this.hold();
      return;
    }
    const fresh = entriesAfter(events, this.place.cursor);
    this.advance(cursor);
    const reached = this.place.cursor;
    if (fresh.length > 0) this.#call(() => this.#observer.events?.(fresh, reached));
  }

  advance(cursor: Cursor): void {
    if (this.place.name === 'at' && (compareCursors(cursor, this.place.cursor) ?? 0) > 0)
      this.place = { name: 'at', cursor };
  }

  progress(rows: readonly Progress[]): void {
    if (this.place.name === 'at' && this.progressMs > 0) this.#call(() => this.#observer.progress?.(rows));
  }

  leave(): void {
    this.place = { name: 'gone' };
  }

  end(error: GatewayError | undefined): void {
    if (this.place.name === 'gone') return;
    this.place = { name: 'gone' };
    this.#call(() => (error ? this.#observer.error?.(error) : this.#observer.complete?.()));
  }

  #call(deliver: () => void): void {
    try {
      deliver();
    } catch (error) {
      this.#report(error);
    }
  }
}
