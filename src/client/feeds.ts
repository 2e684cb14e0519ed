// All feeds of a client, by filter. In: observers, notifications, the line's fate. Out: subscribe and unsubscribe requests.
import { epochOf } from '../protocol/cursor.js';
import type { Methods, Notification, Subscribed } from '../protocol/methods.js';
import type { Filter } from '../protocol/types.js';
import { clientError, type GatewayError } from './errors.js';
import { Feed } from './feed.js';
import { Member } from './member.js';
import type { Observer, SubscribeFilter, Subscription } from './observer.js';
import type { Runtime } from './runtime.js';

export interface Wire {
  /** Whether questions can go out now. */
  isOpen(): boolean;
  /** Calls back in the turn of the answer, not a promise later: npm `ws` hands out frames of one packet in one turn, and
   * the events that follow a reply must find its subscription. */
  ask<Method extends 'subscribe' | 'unsubscribe'>(
    method: Method,
    params: Methods[Method]['params'],
    done: (result: Methods[Method]['result']) => void,
    failed: (error: GatewayError) => void,
  ): void;
  /** A subscribe was not answered: half a line is worse than none. */
  stalled(): void;
}

const RATE_LIMIT_MS = 1_000;

export class Feeds {
  readonly #feeds = new Map<string, Feed>();
  readonly #wire: Wire;
  readonly #runtime: Runtime;

  constructor(wire: Wire, runtime: Runtime) {
    this.#wire = wire;
    this.#runtime = runtime;
  }

  /** Observers of the same filter share one feed, whatever the order of its globs. Calls back from the next microtask on. */
  subscribe(filter: SubscribeFilter, observer: Observer): Subscription {
    const { after, progress = false } = filter;
    if (after !== undefined && epochOf(after) === undefined) {
      throw clientError('INVALID_OPTION', `after is not a cursor: ${after}`);
    }
    const progressMs = progress === true ? 1_000 : progress === false ? 0 : progress;
    const member = new Member(observer, after, progressMs, (error) => this.#runtime.report(error));
    const effective = canonical(filter);
    const key = JSON.stringify(effective);
    queueMicrotask(() => {
      if (member.place.name === 'gone') return;
      const feed = this.#feeds.get(key) ?? new Feed(effective, () => this.#runtime.now());
      this.#feeds.set(key, feed);
      feed.join(member);
      this.pump();
    });
    return {
      get cursor() {
        return member.cursor;
      },
      unsubscribe: () => {
        member.leave();
        this.#feeds.get(key)?.leave(member);
        this.pump();
      },
    };
  }

  /** Asks whatever has to be asked. Safe to call at any time. */
  pump(): void {
    for (const [key, feed] of this.#feeds) {
      if (feed.isEmpty && !feed.isAsking) {
        this.#feeds.delete(key);
        this.#release(feed.id);
      } else if (this.#wire.isOpen()) this.#ask(feed);
    }
  }

  lost(): void {
    for (const feed of this.#feeds.values()) feed.lost();
  }

  end(error: GatewayError | undefined): void {
    const feeds = [...this.#feeds.values()];
    this.#feeds.clear();
    for (const feed of feeds) feed.end(error);
  }

  notify(message: Notification): void {
    const { params } = message;
    const feeds = 'subscription' in params ? this.#of(params.subscription) : this.#feeds.values();
    for (const feed of feeds) feed.notify(message);
    this.pump();
  }

  /** Filters that differ in text may have the same effect, and then the server gives both one subscription. */
  #of(id: string): Feed[] {
    return [...this.#feeds.values()].filter((feed) => feed.id === id);
  }

  #release(id: string | undefined): void {
    if (id === undefined || this.#of(id).length > 0 || !this.#wire.isOpen()) return;
    // Refused or lost: the subscription is gone as well.
    const nothing = (): void => {};
    this.#wire.ask('unsubscribe', { subscription: id }, nothing, nothing);
  }

  #ask(feed: Feed): void {
    const question = feed.question();
    if (!question) return;
    const before = feed.id;
    this.#wire.ask(
      'subscribe',
      question.params,
      (reply) => this.#answered(feed, before, reply),
      (error) => this.#failed(feed, error),
    );
  }

  #answered(feed: Feed, before: string | undefined, reply: Subscribed): void {
    const start = feed.answered(reply);
    if (start === undefined) return;
    for (const other of this.#of(reply.subscription)) if (other !== feed) other.align(start);
    if (before !== reply.subscription) this.#release(before);
    this.pump();
  }

  #failed(feed: Feed, error: GatewayError): void {
    switch (error.reason) {
      case 'CONNECTION_LOST':
      case 'CLIENT_CLOSED':
        return; // `lost` or `end` has said so already
      case 'NO_ANSWER':
        this.#wire.stalled();
        break;
      case 'RATE_LIMITED': {
        const wait = error.data.retryAfterMs;
        feed.postpone();
        this.#runtime.after(typeof wait === 'number' ? wait : RATE_LIMIT_MS, () => {
          feed.resume();
          this.pump();
        });
        return;
      }
      default:
        feed.refused(error);
        this.pump();
    }
  }
}

/** The filter without the order and the repetitions of its globs. */
function canonical({ sources, types, jobs }: Filter): Filter {
  // As the gateway has it: a field with `*` asks for nothing less, and equal filters are one subscription.
  const sorted = (name: keyof Filter, globs?: readonly string[]): Filter =>
    globs && !globs.includes('*') ? { [name]: [...new Set(globs)].sort() } : {};
  return { ...sorted('sources', sources), ...sorted('types', types), ...sorted('jobs', jobs) };
}
