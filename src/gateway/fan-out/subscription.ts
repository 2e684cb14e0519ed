// One filter of one connection and how far its client has been served. Only the hub changes it.

import type { Outbox } from '../wire/outbox.js';
import type { CompiledFilter } from './filter.js';
import type { Snapshot } from './snapshot.js';

/** A connection as the hub sees it. */
export interface Peer {
  readonly outbox: Outbox;
  /** Called after writes to this connection: answers that wait for events may be sent now. */
  advanced(): void;
}

/**
 * `live`: a member of its group. `behind`: it reads on from the log. `paging`: pages of its snapshot are still to be sent. `regranted`: its grants
 * have changed, and the client has not been sent that. `voided`: the log goes on under another epoch, and the client has not been sent that.
 */
export type SubscriptionState =
  | { readonly kind: 'live' }
  | { readonly kind: 'behind' }
  | { readonly kind: 'paging'; readonly snapshot: Snapshot; readonly next: number }
  | { readonly kind: 'regranted' }
  | { readonly kind: 'voided' }
  | { readonly kind: 'ended' };

/** What a subscription begins with. */
export interface SubscriptionStart {
  readonly peer: Peer;
  readonly filter: CompiledFilter;
  /** Milliseconds; `undefined`: no progress was requested. */
  readonly progressMs: number | undefined;
  /** Offset up to which the client has every matching entry. */
  readonly examined: number;
  /** A snapshot of several pages, which are still to be sent. */
  readonly snapshot?: Snapshot | undefined;
  /** The id before the grants changed: the client is still to be sent the new one. */
  readonly formerly?: string | undefined;
}

/** One object for each, so that a broadcast reads the state of every member from the processor's cache. */
const LIVE = { kind: 'live' } as const;
const BEHIND = { kind: 'behind' } as const;
const VOIDED = { kind: 'voided' } as const;

export class Subscription {
  readonly peer: Peer;
  readonly filter: CompiledFilter;
  readonly progressMs: number | undefined;
  /** The id before the grants changed, which the client may still use. */
  readonly formerly: string | undefined;
  #state: SubscriptionState;
  /** Since {@link void} the offsets of the log may be lower. */
  #mayGoBack = false;
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

  /** While live: number of the group's next frame. */
  get nextFrame(): number {
    return this.#nextFrame;
  }

  /** It has everything up to the group's frame before this one. */
  goLive(nextFrame: number): void {
    if (this.#state !== BEHIND) throw this.#illegal('behind');
    this.#state = LIVE;
    this.#nextFrame = nextFrame;
  }

  /** It leaves its group at its position: its socket is full, or the group has more than one turn may encode. */
  park(): void {
    if (this.#state !== LIVE) throw this.#illegal('live');
    this.#state = BEHIND;
  }

  /** Every matching entry up to `offset` was written. */
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

  /** None of the group's frames before this one is left for it. */
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

  /** The log goes on under another epoch, or without what the client has seen: what the client has is to be replaced. */
  void(): void {
    this.#mayGoBack = true;
    if (this.#state.kind !== 'regranted' && this.#state.kind !== 'ended') this.#state = VOIDED;
  }

  /** A snapshot at `offset` replaces everything that the client had. */
  reset(snapshot: Snapshot, offset: number): void {
    if (this.#state !== BEHIND && this.#state !== VOIDED && this.#state.kind !== 'regranted')
      throw this.#illegal('behind, voided or regranted');
    if (this.#mayGoBack) this.#examined = offset;
    else this.#advance(offset);
    this.#mayGoBack = false;
    this.#state = positionAfter(snapshot);
  }

  /** No further frame is written for it. */
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

/** Pages of the snapshot go before the events that follow it. */
function positionAfter(snapshot: Snapshot | undefined): SubscriptionState {
  return snapshot !== undefined && snapshot.pages.length > 1 ? { kind: 'paging', snapshot, next: 0 } : BEHIND;
}
