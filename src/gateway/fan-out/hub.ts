// The fan-out. In: the log, entry by entry, and subscriptions. Out: frames on sockets. All entries of one turn of the loop are encoded
// once for each filter and written once to each socket; a socket that can't take them reads on from the log, and costs nobody anything.
import type { Subscription as RxSubscription } from 'rxjs';
import type { Clock } from '../../clock.js';
import type { EventLog, LoggedEntry } from '../../log/index.js';
import { formatCursor } from '../../protocol/cursor.js';
import type { GatewayLimits } from '../limits.js';
import type { WorkQueue } from '../scheduler.js';
import { CatchUp, type CatchUpCounts, type HubDeps } from './catch-up.js';
import type { CompiledFilter } from './filter.js';
import { Group } from './group.js';
import { type Peer, Subscription, type SubscriptionStart } from './subscription.js';

export interface HubCounts extends CatchUpCounts {
  /** Subscriptions that were live and whose socket took no more. */
  parked: number;
}

/** A broadcast of a group's frames that may take several turns. */
interface Pass {
  group: Group;
  upTo: number;
  members: Iterator<Subscription>;
}

/** Of a peer without any. */
const NONE: ReadonlyMap<string, Subscription> = new Map();

/** Routes remembered before they are computed anew. */
const MAX_ROUTES = 16_384;

export class Hub {
  readonly counts: HubCounts = { parked: 0, resets: 0, caughtUp: 0 };
  readonly #log: EventLog;
  readonly #limits: GatewayLimits;
  readonly #subscriptions = new Map<Peer, Map<string, Subscription>>();
  readonly #groups = new Map<string, Group>();
  readonly #dirty = new Set<Group>();
  readonly #catchUp: CatchUp;
  readonly #following: RxSubscription;
  /** Which groups want what; a handful of distinct kinds of event serves millions. */
  readonly #routes = new Map<string, readonly Group[]>();
  #pass: Pass | undefined;
  readonly #clock: Clock;
  readonly #broadcasts: WorkQueue;

  constructor(deps: HubDeps) {
    const { log, limits, clock, scheduler } = deps;
    this.#log = log;
    this.#limits = limits;
    this.#clock = clock;
    // One step a turn, which has bounds of its own.
    this.#broadcasts = scheduler.queue(0);
    this.#catchUp = new CatchUp(deps, this.counts, (subscription) => this.#join(subscription));
    this.#following = log.entries$.subscribe((entry) => this.#route(entry));
  }

  get subscribers(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.members.size;
    return count;
  }

  /** The subscriptions of a connection, by their ids. */
  of(peer: Peer): ReadonlyMap<string, Subscription> {
    return this.#subscriptions.get(peer) ?? NONE;
  }

  /** A new subscription, whose reply was written in this turn. Live at once if nothing lies between. The peer has none of this id. */
  add(start: SubscriptionStart): Subscription {
    const subscription = new Subscription(start);
    const own = this.#subscriptions.get(start.peer) ?? new Map<string, Subscription>();
    this.#subscriptions.set(start.peer, own.set(start.filter.id, subscription));
    this.#catchUp.start(subscription);
    return subscription;
  }

  /** No frame of it follows. */
  remove(subscription: Subscription): void {
    this.#leave(subscription);
    this.#catchUp.drop(subscription);
    subscription.end();
    const own = this.#subscriptions.get(subscription.peer);
    if (own?.get(subscription.filter.id) !== subscription) return;
    own.delete(subscription.filter.id);
    if (own.size === 0) this.#subscriptions.delete(subscription.peer);
  }

  /** The peer's socket has drained. */
  drained(peer: Peer): void {
    for (const subscription of this.of(peer).values()) if (!subscription.isLive) this.#catchUp.start(subscription);
  }

  /** Writes at once what the peer's live subscriptions lack; `true` if all of them are at `offset` then. */
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

  #schedule(group: Group): void {
    this.#dirty.add(group);
    this.#broadcasts.later(this, this.#broadcast);
  }

  /** More than one turn may encode: its members read on from the log, slice by slice. What they have is not taken back. */
  #overflow(group: Group): void {
    for (const member of [...group.members]) {
      this.#leave(member);
      member.park();
      this.#catchUp.later(member);
    }
  }

  /** Writes to so many sockets, group by group; the rest is for the next turns. A group's batch is encoded when its turn comes. */
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
      // The clock is looked at now and then: a look costs as much as a small write.
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
    // A slow client is a client that resumes: it leaves the group, with its position.
    this.#leave(member);
    member.park();
    this.counts.parked += 1;
  }

  #join(subscription: Subscription): void {
    const group = this.#group(subscription.filter);
    // What is pending goes to the present members; the one who joins has it already.
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
    const group = new Group(filter, this.#limits.frameBytes, (offset) => formatCursor(this.#log.epoch, offset));
    this.#groups.set(filter.id, group);
    this.#routes.clear();
    return group;
  }
}
