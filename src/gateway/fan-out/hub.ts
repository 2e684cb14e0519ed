// The fan-out: entries of the log become frames on sockets. The entries of an event-loop turn are encoded once for each filter and written once to
// each socket. A subscription whose socket is full is parked, and reads on from the log when it drains.
import type { Subscription as RxSubscription } from 'rxjs';
import type { Clock } from '../../clock.js';
import type { EventReader, LoggedEntry } from '../../log/index.js';
import { formatCursor } from '../../protocol/cursor.js';
import type { GatewayLimits } from '../limits.js';
import type { GatewayRecorder } from '../recorder.js';
import type { WorkQueue } from '../scheduler.js';
import { CatchUp, type CatchUpCounts, type HubDeps } from './catch-up.js';
import type { CompiledFilter } from './filter.js';
import { Group } from './group.js';
import { type Peer, Subscription, type SubscriptionStart } from './subscription.js';

export interface HubCounts extends CatchUpCounts {
  /** Number of times that a live subscription was parked because its socket was full. */
  parked: number;
}

/** A broadcast of a group's frames that may take several turns. */
interface Pass {
  group: Group;
  upTo: number;
  members: Iterator<Subscription>;
}

/** The subscriptions of a peer that has none. */
const NONE: ReadonlyMap<string, Subscription> = new Map();

/** Number of routes that are cached; beyond it they are computed anew. */
const MAX_ROUTES = 16_384;

export class Hub {
  readonly counts: HubCounts = { parked: 0, resets: { retention: 0, grants: 0, epoch: 0 }, caughtUp: 0, deliveries: 0 };
  readonly #log: EventReader;
  readonly #limits: GatewayLimits;
  readonly #recorder: GatewayRecorder;
  readonly #subscriptions = new Map<Peer, Map<string, Subscription>>();
  readonly #groups = new Map<string, Group>();
  readonly #dirty = new Set<Group>();
  readonly #catchUp: CatchUp;
  readonly #following: RxSubscription;
  /** The groups that want an entry, by source, type and job: few combinations cover most entries. */
  readonly #routes = new Map<string, readonly Group[]>();
  #pass: Pass | undefined;
  readonly #clock: Clock;
  readonly #broadcasts: WorkQueue;

  constructor(deps: HubDeps) {
    const { log, limits, clock, scheduler, recorder } = deps;
    this.#log = log;
    this.#recorder = recorder;
    this.#limits = limits;
    this.#clock = clock;
    // One step a turn: a broadcast has bounds of its own.
    this.#broadcasts = scheduler.queue(0);
    this.#catchUp = new CatchUp(deps, this.counts, (subscription) => this.#join(subscription));
    this.#following = log.entries$.subscribe((entry) => this.#route(entry));
    this.#following.add(log.replaced$.subscribe(() => this.#void()));
  }

  get subscribers(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.members.size;
    return count;
  }

  /** The filter of that id that others have already: one for all of them. */
  filterOf(id: string): CompiledFilter | undefined {
    return this.#groups.get(id)?.filter;
  }

  /** The subscriptions of a connection, by their ids. */
  of(peer: Peer): ReadonlyMap<string, Subscription> {
    return this.#subscriptions.get(peer) ?? NONE;
  }

  /** Adds a subscription whose reply was written in this turn; it is live at once if it lacks nothing. The peer must have none with this id. */
  add(start: SubscriptionStart): Subscription {
    const subscription = new Subscription(start);
    const own = this.#subscriptions.get(start.peer) ?? new Map<string, Subscription>();
    this.#subscriptions.set(start.peer, own.set(start.filter.id, subscription));
    this.#catchUp.start(subscription);
    return subscription;
  }

  /** Ends a subscription: no further frame is written for it. */
  remove(subscription: Subscription): void {
    this.#leave(subscription);
    this.#catchUp.drop(subscription);
    subscription.end();
    const own = this.#subscriptions.get(subscription.peer);
    if (own?.get(subscription.filter.id) !== subscription) return;
    own.delete(subscription.filter.id);
    if (own.size === 0) this.#subscriptions.delete(subscription.peer);
  }

  /** To be called when the peer's socket has drained. */
  drained(peer: Peer): void {
    for (const subscription of this.of(peer).values()) if (!subscription.isLive) this.#catchUp.start(subscription);
  }

  /** Writes at once what the peer's live subscriptions lack. `true`: all of the peer's subscriptions have everything up to `offset`. */
  flush(peer: Peer, offset: number): boolean {
    let complete = true;
    for (const subscription of this.of(peer).values()) {
      const group = this.#groups.get(subscription.filter.id);
      if (subscription.isLive && group) {
        group.closeBatch(this.#log.head);
        this.#deliver(group, subscription, group.nextFrame - 1);
      }
      const { state, examined } = subscription;
      if (state.kind === 'behind' ? examined < offset : state.kind !== 'live') complete = false;
    }
    return complete;
  }

  close(): void {
    this.#following.unsubscribe();
    this.#broadcasts.clear();
    this.#pass = undefined;
    this.#dirty.clear();
    this.#groups.clear();
    this.#subscriptions.clear();
    this.#catchUp.close();
  }

  #route(entry: LoggedEntry): void {
    if (this.#groups.size === 0) return;
    const { source, type, job } = entry;
    const key = `${source} ${type} ${job?.id ?? ''}`;
    let groups = this.#routes.get(key);
    if (!groups) {
      groups = [...this.#groups.values()].filter((group) => group.filter.wants(entry));
      if (this.#routes.size >= MAX_ROUTES) this.#routes.clear();
      this.#routes.set(key, groups);
    }
    for (const group of groups) {
      group.add(entry);
      if (group.batchLength > this.#limits.batchBytes) this.#overflow(group);
      else this.#schedule(group);
    }
  }

  /** The log goes on under another epoch, in which nobody has a position. */
  #void(): void {
    this.#catchUp.forget();
    for (const own of this.#subscriptions.values())
      for (const subscription of own.values()) {
        this.#leave(subscription);
        subscription.void();
        this.#catchUp.later(subscription);
      }
  }

  #schedule(group: Group): void {
    this.#dirty.add(group);
    this.#broadcasts.later(this, this.#broadcast);
  }

  /** The batch is larger than a turn should encode: the members read on from the log, slice by slice. What they have been sent stays valid. */
  #overflow(group: Group): void {
    this.#recorder.limited('turn_bytes');
    for (const member of [...group.members]) {
      this.#leave(member);
      member.park();
      this.#catchUp.later(member);
    }
  }

  /** Writes to a bounded number of sockets, group by group; the others follow in later turns. A group's batch is encoded when its turn comes. */
  readonly #broadcast = (): boolean => {
    const due = this.#clock.now() + this.#limits.sliceMs;
    let budget = this.#limits.sliceSockets;
    while (budget > 0) {
      const pass = this.#pass ?? this.#nextPass();
      if (!pass) break;
      const next = pass.members.next();
      if (next.done) {
        pass.group.release(pass.upTo);
        this.#pass = undefined;
        if (this.#clock.now() > due) break;
        continue;
      }
      budget -= 1;
      this.#deliver(pass.group, next.value, pass.upTo);
      // The clock is read once in 16 writes, since reading it costs as much as a small write.
      if (budget % 16 === 0 && this.#clock.now() > due) break;
    }
    return !this.#pass && this.#dirty.size === 0;
  };

  #nextPass(): Pass | undefined {
    const [group] = this.#dirty;
    if (!group) return undefined;
    this.#dirty.delete(group);
    group.closeBatch(this.#log.head);
    this.#pass = { group, upTo: group.nextFrame - 1, members: group.members.values() };
    return this.#pass;
  }

  #deliver(group: Group, member: Subscription, upTo: number): void {
    if (!member.isLive || member.nextFrame > upTo) return;
    if (group.deliver(member, upTo)) return;
    // The socket is full: the subscription leaves the group at its position and resumes from the log later.
    this.#leave(member);
    member.park();
    this.counts.parked += 1;
  }

  #join(subscription: Subscription): void {
    const group = this.#group(subscription.filter);
    // The pending batch goes to the present members; the new one already has its entries.
    group.closeBatch(this.#log.head);
    subscription.goLive(group.nextFrame);
    group.members.add(subscription);
  }

  #leave(subscription: Subscription): void {
    const group = this.#groups.get(subscription.filter.id);
    if (!group?.members.delete(subscription) || group.members.size > 0) return;
    this.#groups.delete(subscription.filter.id);
    this.#dirty.delete(group);
    this.#routes.clear();
  }

  #group(filter: CompiledFilter): Group {
    const known = this.#groups.get(filter.id);
    if (known) return known;
    const group = new Group(filter, this.#limits.frameBytes, this.counts, (offset) =>
      formatCursor(this.#log.epoch, offset),
    );
    this.#groups.set(filter.id, group);
    this.#routes.clear();
    return group;
  }
}
