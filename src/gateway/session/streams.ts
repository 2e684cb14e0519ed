// The subscriptions of one connection: `subscribe` and `unsubscribe`.

import type { Grants } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import type { EventReader } from '../../log/index.js';
import { type Answer, refuse, refuseParams } from '../../protocol/answer.js';
import { formatCursor, parseCursor } from '../../protocol/cursor.js';
import { LIMITS } from '../../protocol/limits.js';
import type { Methods, RpcId } from '../../protocol/methods.js';
import { type CompiledFilter, compileFilter } from '../fan-out/filter.js';
import type { Hub } from '../fan-out/hub.js';
import { type ProgressLanes, progressInterval } from '../fan-out/progress.js';
import type { Snapshot, Snapshots } from '../fan-out/snapshot.js';
import type { Peer, Subscription, SubscriptionStart } from '../fan-out/subscription.js';
import type { GatewayLimits } from '../limits.js';
import type { GatewayLimitName, GatewayRecorder } from '../recorder.js';
import { shareFrame } from '../wire/frame.js';
import { subscribedHead, subscribedTail } from '../wire/messages.js';
import type { StreamRequest } from './dispatch.js';
import { Rate } from './rates.js';

export interface StreamsDeps {
  log: EventReader;
  hub: Hub;
  progress: ProgressLanes;
  snapshots: Snapshots;
  limits: GatewayLimits;
  clock: Clock;
  recorder: GatewayRecorder;
}

/** `written`: the reply was written, together with a part that is shared. `undefined`: the request is not done, and must be made again. */
export type Streamed = Answer<unknown> | 'written' | undefined;

export class Streams {
  readonly #peer: Peer;
  readonly #deps: StreamsDeps;
  readonly #rate: Rate;
  /** The request that is not done yet. */
  #unfinished: StreamRequest | undefined;
  /** Replies of `subscribe` that the kernel has not taken yet. */
  unwritten = 0;

  constructor(peer: Peer, deps: StreamsDeps) {
    this.#peer = peer;
    this.#deps = deps;
    this.#rate = new Rate(deps.limits.subscribesPerSecond, deps.limits.subscribesBurst, deps.clock.now());
  }

  request(request: StreamRequest, grants: Grants): Streamed {
    if (request.method === 'subscribe') {
      const wait = this.#unfinished === request ? 0 : this.#rate.take(this.#deps.clock.now());
      if (wait > 0)
        return this.#limited(
          'subscribes_rate',
          `at most ${this.#deps.limits.subscribesPerSecond} subscribes a second`,
          wait,
        );
      const answered = this.#subscribe(request.id, request.params, grants);
      this.#unfinished = answered === undefined ? request : undefined;
      return answered;
    }
    const subscription = this.#named(request.params.subscription);
    if (!subscription) return refuseParams('subscription: no such subscription on this connection');
    this.#end(subscription);
    // Answers may have waited for events of this subscription alone.
    this.#peer.advanced();
    return { ok: true, result: {} };
  }

  /** The grants have changed: each subscription whose id changes by that continues under the new one; the client is sent a `reset` in its turn. */
  regranted(grants: Grants): void {
    for (const subscription of [...this.#deps.hub.of(this.#peer).values()]) {
      const filter = subscription.filter.under(grants);
      if (filter.id === subscription.filter.id) continue;
      const { progressMs } = subscription;
      const formerly = subscription.state.kind === 'regranted' ? subscription.formerly : subscription.filter.id;
      this.#end(subscription);
      this.#begin({ filter, progressMs, examined: this.#deps.log.head, formerly });
    }
  }

  close(): void {
    for (const subscription of [...this.#deps.hub.of(this.#peer).values()]) this.#end(subscription);
  }

  /** The snapshot, the reply and joining the group happen in one event-loop turn: no event can come between the cut and the first event. */
  #subscribe(id: RpcId, params: Methods['subscribe']['params'], grants: Grants): Streamed {
    const { log, snapshots } = this.#deps;
    const compiled = compileFilter(params, grants, params.tag);
    const filter = this.#deps.hub.filterOf(compiled.id) ?? compiled;
    const replaced = this.#deps.hub.of(this.#peer).get(filter.id);
    const refused = replaced ? undefined : this.#refusal(filter);
    if (refused) return refused;
    const after = this.#resumable(params.after, filter);
    const back = this.#beginning(params, filter);
    const wantsSnapshot = after === undefined && back === undefined && params.snapshot !== false;
    if (wantsSnapshot && !snapshots.prepare(filter)) return undefined;
    if (replaced) this.#end(replaced);
    const offset = after ?? back?.offset ?? log.head;
    const snapshot = wantsSnapshot ? snapshots.take(filter, log.cursor) : undefined;
    const cursor = formatCursor(log.epoch, offset);
    const head = subscribedHead(id, { subscription: filter.id, cursor, resumed: after !== undefined });
    const truncated = back?.truncated ? { truncated: true } : {};
    const sources = snapshots.sources(filter);
    const tail = snapshot ? answerOf(snapshot) : shareFrame(subscribedTail({ sources, ...truncated }));
    this.unwritten += 1;
    this.#peer.outbox.shareAfter(head, tail, () => {
      this.unwritten -= 1;
    });
    this.#begin({ filter, progressMs: progressInterval(params.progress), examined: offset, snapshot });
    return 'written';
  }

  #begin(start: Omit<SubscriptionStart, 'peer'>): void {
    const { hub, progress } = this.#deps;
    progress.add(hub.add({ peer: this.#peer, ...start }));
  }

  /** A client that has not yet read of a new id uses the former one. */
  #named(id: string): Subscription | undefined {
    const subscriptions = this.#deps.hub.of(this.#peer);
    return subscriptions.get(id) ?? [...subscriptions.values()].find(({ formerly }) => formerly === id);
  }

  #refusal(filter: CompiledFilter): Answer<never> | undefined {
    const subscriptions = this.#deps.hub.of(this.#peer);
    const { connectionGlobs } = this.#deps.limits;
    if (subscriptions.size >= LIMITS.subscriptions)
      return this.#limited('subscriptions', `at most ${LIMITS.subscriptions} subscriptions a connection`);
    let globs = filter.wildLength;
    for (const each of subscriptions.values()) globs += each.filter.wildLength;
    if (globs > connectionGlobs)
      return this.#limited(
        'connection_globs',
        `at most ${connectionGlobs} characters of globs with * or ? a connection`,
      );
    return undefined;
  }

  /** Where `last` or `from` begins. */
  #beginning(
    { last, from }: Methods['subscribe']['params'],
    filter: CompiledFilter,
  ): { offset: number; truncated: boolean } | undefined {
    if (last !== undefined) return this.#back(last, filter);
    if (from === undefined) return undefined;
    const { log } = this.#deps;
    const offset = log.offsetAt(Date.parse(from));
    const evicted = log.evictedUpTo((source) => filter.wantsSource(source));
    return { offset: Math.max(offset, evicted), truncated: evicted > 0 && offset <= evicted };
  }

  /** The position before so many matching entries; not before what the retention still has of the filter's sources. */
  #back(count: number, filter: CompiledFilter): { offset: number; truncated: boolean } {
    const { log, limits, clock } = this.#deps;
    const due = clock.now() + limits.sliceMs;
    // Slow globs get as many milliseconds as any other slice; the newest 64 are looked at however long that takes, since the process may have stood still
    // before the first one.
    const isEnough = (examined: number): boolean =>
      examined >= LIMITS.lastMax || (examined > 0 && examined % 64 === 0 && clock.now() > due);
    const { offset, truncated } = log.offsetBefore(count, (entry) => filter.wants(entry), isEnough);
    const retained = log.evictedUpTo((source) => filter.wantsSource(source));
    return { offset: Math.max(offset, retained), truncated };
  }

  /** The offset to resume after, if the log still has everything after it. Of a log that begins later it is the beginning: nothing of it came before. */
  #resumable(after: string | undefined, filter: CompiledFilter): number | undefined {
    const { log } = this.#deps;
    const position = after === undefined ? undefined : parseCursor(after);
    if (!position || position.epoch !== log.epoch) return undefined;
    const offset = Math.max(position.offset, log.begin);
    return log.retainsAfter(offset, (source) => filter.wantsSource(source)) ? offset : undefined;
  }

  #limited(limit: GatewayLimitName, message: string, retryAfterMs = 1_000): Answer<never> {
    this.#deps.recorder.limited(limit);
    return refuse('RATE_LIMITED', message, { retryAfterMs });
  }

  #end(subscription: Subscription): void {
    this.#deps.progress.remove(subscription);
    this.#deps.hub.remove(subscription);
  }
}

function answerOf(snapshot: Snapshot): NonNullable<Snapshot['answer']> {
  const { pages, sources } = snapshot;
  const [first] = pages;
  const cut = pages.length > 1 || !first ? { pages: pages.length } : { jobs: first.jobs, settled: first.settled };
  snapshot.answer ??= shareFrame(subscribedTail({ sources, ...cut }));
  return snapshot.answer;
}
