// One filter of one connection, and how far it has been served. The hub alone moves it; who else has it reads.

import type { Outbox } from '../wire/outbox.js';
import type { CompiledFilter } from './filter.js';
import type { Snapshot } from './snapshot.js';

/** A connection as the hub sees it. */
export interface Peer {
  readonly outbox: Outbox;
  /** Something of this connection was read on: answers that wait for it may go. */
  advanced(): void;
}

/**
 * `live`: a member of its group. `behind`: reads on from the log. `paging`: its snapshot is not out yet. `regranted`: its client is granted
 * something else, and has not been told.
 */
export type SubscriptionState =
  | { readonly kind: 'live' }
  | { readonly kind: 'behind' }
  | { readonly kind: 'paging'; readonly snapshot: Snapshot; readonly next: number }
  | { readonly kind: 'regranted' }
  | { readonly kind: 'ended' };

/** What a subscription begins with. */
export interface SubscriptionStart {
  readonly peer: Peer;
  readonly filter: CompiledFilter;
  /** Milliseconds, where progress was asked for. */
  readonly progressMs: number | undefined;
  /** Offset up to which its client has every matching entry. */
  readonly examined: number;
  /** Of several pages, which are still to be sent. */
  readonly snapshot?: Snapshot | undefined;
  /** The id under the grants before: its client is to be told of the one that it has now. */
  readonly formerly?: string | undefined;
}

/** One object each: a broadcast looks at the state of every member, and finds it in the cache. */
const LIVE = { kind: 'live' } as const;
const BEHIND = { kind: 'behind' } as const;

export class Subscription {
  readonly peer: Peer;
  readonly filter: CompiledFilter;
  readonly progressMs: number | undefined;
  /** Its id under the grants before: its client may still use it. */
  readonly formerly: string | undefined;
  #state: SubscriptionState;
  #examined: number;
  #nextFrame = 0;

  constructor({ peer, filter, progressMs, examined, snapshot, formerly }: SubscriptionStart) {
    this.peer = peer;
    this.filter = filter;
    this.progressMs = progressMs;
    this.formerly = formerly;
    this.#examined = examined;
    this.#state = formerly !== undefined ? { kind: 'regranted' } : positionAfter(snapshot);
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  get isLive(): boolean {
    return this.#state === LIVE;
  }

  /** Offset up to which every matching entry was written. */
  get examined(): number {
    return this.#examined;
  }

  /** While live: number of the group's frame that comes next. */
  get nextFrame(): number {
    return this.#nextFrame;
  }

  /** It has all up to its group's frame before this one. */
  goLive(nextFrame: number): void {
    if (this.#state !== BEHIND) throw this.#illegal('behind');
    this.#state = LIVE;
    this.#nextFrame = nextFrame;
  }

  /** It leaves its group, with its position. */
  park(): void {
    if (this.#state !== LIVE) throw this.#illegal('live');
    this.#state = BEHIND;
  }

  /** Every matching entry up to the offset was written. */
  advanceTo(offset: number): void {
    if (this.#state !== BEHIND) throw this.#illegal('behind');
    this.#advance(offset);
  }

  /** The group's next frame was written. */
  take(offset: number): void {
    if (this.#state !== LIVE) throw this.#illegal('live');
    this.#advance(offset);
    this.#nextFrame += 1;
  }

  /** Nothing up to the group's frame before this one is of it. */
  skipTo(nextFrame: number): void {
    if (this.#state !== LIVE) throw this.#illegal('live');
    this.#nextFrame = Math.max(this.#nextFrame, nextFrame);
  }

  /** A page of its snapshot was written. */
  turnPage(): void {
    if (this.#state.kind !== 'paging') throw this.#illegal('paging');
    const { snapshot, next } = this.#state;
    this.#state = next + 1 < snapshot.pages.length ? { kind: 'paging', snapshot, next: next + 1 } : BEHIND;
  }

  /** The present, which is at the offset, replaces all that it had. */
  reset(snapshot: Snapshot, offset: number): void {
    if (this.#state !== BEHIND && this.#state.kind !== 'regranted') throw this.#illegal('behind or regranted');
    this.#advance(offset);
    this.#state = positionAfter(snapshot);
  }

  /** No frame of it follows. */
  end(): void {
    this.#state = { kind: 'ended' };
  }

  #advance(offset: number): void {
    if (offset < this.#examined) throw new Error(`a subscription at ${this.#examined} can't go back to ${offset}`);
    this.#examined = offset;
  }

  #illegal(wanted: string): Error {
    return new Error(`a subscription that is ${this.#state.kind} is not ${wanted}`);
  }
}

/** The pages of a cut come before what follows it. */
function positionAfter(snapshot: Snapshot | undefined): SubscriptionState {
  return snapshot !== undefined && snapshot.pages.length > 1 ? { kind: 'paging', snapshot, next: 0 } : BEHIND;
}
