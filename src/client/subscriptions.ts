// All subscriptions of a client: what `reduceSubscription` decides of each is carried out here. Frames go to the one that has their name, and equal
// filters get names of their own.
import { epochOf } from '../protocol/cursor.js';
import type { Methods, Notification, Subscribed } from '../protocol/methods.js';
import type { Filter } from '../protocol/types.js';
import { clientError, type GatewayError } from './errors.js';
import { canonicalFilter, distinctFilter } from './filter.js';
import type { Observer, SubscribeFilter, Subscription } from './observer.js';
import type { Runtime } from './runtime.js';
import {
  beginSubscription,
  idOf,
  isAsking,
  reduceSubscription,
  type SubscriptionEffect,
  type SubscriptionInput,
  type SubscriptionState,
} from './subscription-state.js';

/** How requests that belong to one connection reach the gateway. */
export interface RequestPort {
  /** Whether the connection is ready. */
  isOpen(): boolean;
  /** Calls back in the turn of the answer, not a promise later: npm `ws` hands out frames of one packet in one turn, and the events that
   * follow a reply must find its subscription. Calls neither back where the connection is lost first, or given up for lack of an answer. */
  ask<Method extends 'subscribe' | 'unsubscribe' | 'server.info'>(
    method: Method,
    params: Methods[Method]['params'],
    done: (result: Methods[Method]['result']) => void,
    refused: (error: GatewayError) => void,
  ): void;
}

interface Member {
  state: SubscriptionState;
  readonly filter: Filter;
  readonly progress: boolean | number;
  readonly wantsSnapshot: boolean;
  /** Equal filters have equal keys, and different copies. */
  key: string;
  copy: number;
  /** Empty once it has been told of the end, or is unsubscribed. */
  observer: Observer;
}

/** Milliseconds until `server.info` is asked again where it was refused. */
const INFO_AGAIN_MS = 1_000;

export class Subscriptions {
  readonly #members = new Set<Member>();
  readonly #port: RequestPort;
  readonly #runtime: Runtime;
  readonly #timers = new Set<() => void>();
  /** What the gateway can beside the first release of v1: asked for when it is needed, once a connection. */
  #features: readonly string[] | 'asked' | undefined;
  #isEnded = false;

  constructor(port: RequestPort, runtime: Runtime) {
    this.#port = port;
    this.#runtime = runtime;
  }

  /** Calls back from the next microtask on. */
  subscribe(options: SubscribeFilter, observer: Observer): Subscription {
    const { after, last, progress = false } = options;
    if (after !== undefined && (last !== undefined || epochOf(after) === undefined))
      throw clientError('INVALID_OPTION', `after is not a cursor, or not alone: ${after}`);
    const filter = canonicalFilter(options);
    const key = JSON.stringify(filter);
    const wantsSnapshot = observer.snapshot !== undefined;
    const state = beginSubscription(options);
    const member: Member = { state, filter, progress, wantsSnapshot, key, copy: 0, observer };
    queueMicrotask(() => {
      if (member.state.name === 'closed' || this.#isEnded) return;
      member.copy = this.#freeCopy(key);
      this.#members.add(member);
      this.#start(member);
    });
    return {
      get cursor() {
        return 'cursor' in member.state ? member.state.cursor : undefined;
      },
      unsubscribe: () => {
        member.observer = {};
        this.#dispatch(member, { kind: 'unsubscribed' });
      },
    };
  }

  /** The connection is ready. */
  ready(): void {
    for (const member of this.#members) this.#start(member);
  }

  /** The connection is gone, and with it all that was subscribed. */
  lost(): void {
    this.#features = undefined;
    for (const member of this.#members) this.#dispatch(member, { kind: 'lost' });
  }

  end(error: GatewayError | undefined): void {
    this.#isEnded = true;
    for (const stop of this.#timers) stop();
    for (const member of this.#members) this.#dispatch(member, { kind: 'ended', error });
  }

  notify(message: Notification): void {
    const { params } = message;
    for (const member of this.#members)
      if (!('subscription' in params) || params.subscription === idOf(member.state))
        this.#dispatch(member, { kind: 'notified', message });
  }

  #start(member: Member): void {
    const isLast = 'last' in member.state;
    if (!this.#port.isOpen()) return;
    if (member.copy > 0 || isLast) {
      if (typeof this.#features !== 'object') return this.#learn();
      const error = clientError('NOT_SUPPORTED', 'the gateway is too old for `last`', { feature: 'last' });
      if (isLast && !this.#features.includes('last')) return this.#dispatch(member, { kind: 'ended', error });
    }
    this.#dispatch(member, { kind: 'ready' });
  }

  /** Those that wait for it are started then. */
  #learn(): void {
    if (this.#features) return;
    this.#features = 'asked';
    const learned = (features?: readonly string[]): void => {
      this.#features = features;
      this.ready();
    };
    this.#port.ask(
      'server.info',
      {},
      ({ features = [] }) => learned(features),
      () => this.#after(INFO_AGAIN_MS, learned),
    );
  }

  #dispatch(member: Member, input: SubscriptionInput): void {
    const [state, ...effects] = reduceSubscription(member.state, input);
    member.state = state;
    if (state.name === 'closed' && !state.isAsking) this.#members.delete(member);
    for (const effect of effects) this.#carryOut(member, effect);
  }

  #carryOut(member: Member, effect: SubscriptionEffect): void {
    switch (effect.kind) {
      case 'ask':
        // A callback of the observer may have closed the client since.
        if (isAsking(member.state)) this.#subscribe(member, effect);
        break;
      case 'unsubscribe': {
        // Refused or lost: the subscription is gone as well.
        const nothing = (): void => {};
        this.#port.ask('unsubscribe', { subscription: effect.id }, nothing, nothing);
        break;
      }
      case 'retry':
        this.#after(effect.ms, () => this.#start(member));
        break;
      default: {
        const { observer } = member;
        if (member.state.name === 'closed') member.observer = {};
        try {
          deliver(observer, effect);
        } catch (error) {
          this.#runtime.report(error);
        }
      }
    }
  }

  #subscribe(member: Member, { kind: _kind, ...from }: Extract<SubscriptionEffect, { kind: 'ask' }>): void {
    const { filter, copy, progress, wantsSnapshot } = member;
    const features = typeof this.#features === 'object' ? this.#features : [];
    const params = {
      ...distinctFilter(filter, copy, features),
      ...from,
      snapshot: wantsSnapshot && from.last === undefined,
      ...(progress && { progress }),
    };
    this.#port.ask(
      'subscribe',
      params,
      (reply) => this.#answered(member, reply),
      (error) => this.#dispatch(member, { kind: 'refused', error }),
    );
  }

  #answered(member: Member, reply: Subscribed): void {
    const other = [...this.#members].find((each) => each !== member && idOf(each.state) === reply.subscription);
    if (!other) return this.#dispatch(member, { kind: 'answered', reply });
    // The gateway takes for equal what is not so here, and has replaced the other's subscription: both are asked for again, as copies.
    member.key = other.key;
    member.copy = this.#freeCopy(other.key);
    for (const each of [other, member]) {
      this.#dispatch(each, { kind: 'lost' });
      this.#start(each);
    }
  }

  #freeCopy(key: string): number {
    let copy = 0;
    while ([...this.#members].some((each) => each.key === key && each.copy === copy)) copy += 1;
    return copy;
  }

  #after(ms: number, action: () => void): void {
    const stop = this.#runtime.after(ms, () => {
      this.#timers.delete(stop);
      action();
    });
    this.#timers.add(stop);
  }
}

function deliver(
  observer: Observer,
  effect: Exclude<SubscriptionEffect, { kind: 'ask' | 'unsubscribe' | 'retry' }>,
): void {
  switch (effect.kind) {
    case 'gap':
      return observer.gap?.(effect.gap);
    case 'snapshot':
      return observer.snapshot?.(effect.snapshot);
    case 'events':
      return observer.events?.(effect.events, effect.cursor);
    case 'progress':
      return observer.progress?.(effect.rows);
    case 'error':
      return observer.error?.(effect.error);
    case 'complete':
      return observer.complete?.();
  }
}
