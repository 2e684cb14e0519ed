// All subscriptions of a client: carries out what `reduceSubscription` decides for each. Frames go to the subscription with their name, and equal
// filters get names that differ.
import { epochOf } from '../protocol/cursor.js';
import type { Methods, Notification, Subscribed } from '../protocol/methods.js';
import type { Cursor, Filter } from '../protocol/types.js';
import { clientError, type GatewayError } from './errors.js';
import { canonicalFilter, distinctFilter, wrongFilters } from './filter.js';
import type { Observer, SubscribeFilter, Subscription } from './observer.js';
import type { Runtime } from './runtime.js';
import {
  beginSubscription,
  idOf,
  isRequested,
  reduceSubscription,
  type SubscriptionEffect,
  type SubscriptionInput,
  type SubscriptionState,
} from './subscription-state.js';

/** How requests that belong to one connection are sent to the gateway. */
export interface RequestPort {
  /** Whether the connection is ready. */
  isOpen(): boolean;
  /**
   * Calls back in the event-loop turn of the answer: npm `ws` emits all frames of one packet in one turn, and the events that follow a reply must
   * find its subscription, so a promise would be too late. Calls neither callback if the connection is lost first or is given up for lack of an
   * answer.
   */
  request<Method extends 'subscribe' | 'unsubscribe' | 'server.info'>(
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
  /** Subscriptions with equal filters have the same key and different copies. */
  key: string;
  copy: number;
  /** Empty once its end was reported, or it is unsubscribed. */
  observer: Observer;
  /** `events` has thrown: what it was given may not have been handled, so the position stays where it is. */
  hasFailed?: boolean;
  /** Called at its end. */
  release(): void;
}

/** Milliseconds until a refused `server.info` is sent again. */
const INFO_AGAIN_MS = 1_000;

export class Subscriptions {
  readonly #members = new Set<Member>();
  readonly #port: RequestPort;
  readonly #runtime: Runtime;
  readonly #timers = new Set<() => void>();
  /** The gateway's features beyond the first release of v1: queried when they are needed, once for each connection. */
  #features: readonly string[] | 'asked' | undefined;
  #ended: SubscriptionInput | undefined;

  constructor(port: RequestPort, runtime: Runtime) {
    this.#port = port;
    this.#runtime = runtime;
  }

  /** Its callbacks begin with the next microtask. */
  subscribe(options: SubscribeFilter, observer: Observer, signal?: AbortSignal): Subscription {
    const { after, last, from, progress = false, ...filters } = options;
    const ways = [after, last, from].filter((each) => each !== undefined);
    if (ways.length > 1 || (after !== undefined && !epochOf(after)))
      throw clientError('INVALID_OPTION', `after is not a cursor, or not alone: ${ways}`);
    const wrong = wrongFilters(filters);
    if (wrong.length > 0) throw clientError('INVALID_OPTION', `no filter, or no list of globs: ${wrong}`);
    const filter = canonicalFilter(filters);
    const key = JSON.stringify(filter);
    const wantsSnapshot = observer.snapshot !== undefined;
    const state = beginSubscription(options);
    const unsubscribe = (): void => {
      member.observer = {};
      this.#dispatch(member, { kind: 'unsubscribed' });
    };
    const release = (): void => signal?.removeEventListener('abort', unsubscribe);
    const member: Member = {
      ...{ state, filter, progress, wantsSnapshot, key, copy: 0 },
      ...{ observer, release },
    };
    if (signal?.aborted) unsubscribe();
    else signal?.addEventListener('abort', unsubscribe);
    queueMicrotask(() => {
      if (member.state.name === 'closed') return;
      if (this.#ended) return this.#dispatch(member, this.#ended);
      member.copy = this.#freeCopy(key);
      this.#members.add(member);
      this.#start(member);
    });
    return {
      get cursor() {
        return 'cursor' in member.state ? member.state.cursor : undefined;
      },
      unsubscribe,
    };
  }

  /** The connection is ready. */
  ready(): void {
    for (const member of this.#members) this.#start(member);
  }

  /** The connection is lost, and its subscriptions with it. */
  lost(): void {
    this.#features = undefined;
    for (const member of this.#members) this.#dispatch(member, { kind: 'lost' });
  }

  end(error: GatewayError | undefined): void {
    this.#ended = { kind: 'ended', error };
    for (const stop of this.#timers) stop();
    for (const member of this.#members) this.#dispatch(member, this.#ended);
  }

  notify(message: Notification): void {
    const { params } = message;
    for (const member of this.#members)
      if (!('subscription' in params) || params.subscription === idOf(member.state))
        this.#dispatch(member, { kind: 'notified', message });
  }

  #start(member: Member): void {
    const [feature] = 'back' in member.state ? Object.keys(member.state.back ?? {}) : [];
    if (!this.#port.isOpen()) return;
    if (member.copy > 0 || feature) {
      if (typeof this.#features !== 'object') return this.#learn();
      if (feature && !this.#features.includes(feature)) {
        const error = clientError('NOT_SUPPORTED', `the gateway is too old for \`${feature}\``, { feature });
        return this.#dispatch(member, { kind: 'ended', error });
      }
    }
    this.#dispatch(member, { kind: 'ready' });
  }

  /** Subscriptions that wait for the features are started then. */
  #learn(): void {
    if (this.#features) return;
    this.#features = 'asked';
    const learned = (features?: readonly string[]): void => {
      this.#features = features;
      this.ready();
    };
    this.#port.request(
      'server.info',
      {},
      ({ features = [] }) => learned(features),
      () => this.#after(INFO_AGAIN_MS, learned),
    );
  }

  #dispatch(member: Member, input: SubscriptionInput): void {
    const [before, [state, ...effects]] = [member.state, reduceSubscription(member.state, input)];
    member.state = state;
    if (state.name === 'closed') {
      member.release();
      if (!state.isRequested) this.#members.delete(member);
    }
    for (const effect of effects) this.#carryOut(member, effect);
    const { cursor } = state as { cursor?: Cursor };
    if (cursor && !member.hasFailed && cursor !== (before as { cursor?: Cursor }).cursor)
      this.#carryOut(member, { kind: 'position', args: [cursor] });
  }

  #carryOut(member: Member, effect: SubscriptionEffect): void {
    switch (effect.kind) {
      case 'subscribe':
        // A callback of the observer may have closed the client.
        if (isRequested(member.state)) this.#subscribe(member, effect);
        break;
      case 'unsubscribe': {
        // If that is refused or lost, the subscription has ended as well.
        const nothing = (): void => {};
        this.#port.request('unsubscribe', { subscription: effect.id }, nothing, nothing);
        break;
      }
      case 'retry':
        this.#after(effect.ms, () => this.#start(member));
        break;
      default: {
        const { observer } = member;
        if (member.state.name === 'closed') member.observer = {};
        try {
          (observer[effect.kind] as ((...args: unknown[]) => void) | undefined)?.(...effect.args);
        } catch (error) {
          member.hasFailed ||= effect.kind === 'events';
          this.#runtime.report(error);
        }
      }
    }
  }

  #subscribe(member: Member, { kind: _kind, ...from }: Extract<SubscriptionEffect, { kind: 'subscribe' }>): void {
    const { filter, copy, progress, wantsSnapshot } = member;
    const features = typeof this.#features === 'object' ? this.#features : [];
    const params = {
      ...distinctFilter(filter, copy, features),
      ...from,
      snapshot: wantsSnapshot && from.last === undefined && from.from === undefined,
      ...(progress && { progress }),
    };
    this.#port.request(
      'subscribe',
      params,
      (reply) => this.#answered(member, reply),
      (error) => this.#dispatch(member, { kind: 'refused', error }),
    );
  }

  #answered(member: Member, reply: Subscribed): void {
    const other = [...this.#members].find((each) => each !== member && idOf(each.state) === reply.subscription);
    if (!other) return this.#dispatch(member, { kind: 'answered', reply });
    // The gateway takes two filters for equal that differ here, so this subscription has replaced the other: both are requested again, as copies.
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
