// Progress: the newest measures of each run from the polls, sent once an interval and encoded once for each filter and interval. Older measures are
// dropped; none is sent while a client is parked, before the first event of its run, or after its settlement.
import type { Subscription as RxSubscription } from 'rxjs';
import type { Clock } from '../../clock.js';
import { PROGRESS_DEFAULT, PROGRESS_INTERVALS, type ProgressInterval } from '../../protocol/limits.js';
import type { Progress } from '../../protocol/types.js';
import type { GatewayLimits } from '../limits.js';
import type { ViewPort } from '../ports.js';
import type { Scheduler, WorkQueue } from '../scheduler.js';
import { type SharedFrame, shareFrame } from '../wire/frame.js';
import { progressText } from '../wire/messages.js';
import type { CompiledFilter } from './filter.js';
import type { Hub } from './hub.js';
import type { Subscription } from './subscription.js';

/** The interval for the wire's `progress`: rounded up, at most the longest. */
export function progressInterval(asked: boolean | number | undefined): ProgressInterval | undefined {
  if (asked === undefined || asked === false) return undefined;
  if (asked === true) return PROGRESS_DEFAULT;
  return PROGRESS_INTERVALS.find((each) => each >= asked) ?? 5000;
}

interface Message {
  frame: SharedFrame;
  rows: readonly Progress[];
}

/** How much of the newest round a member has: the next message, and how many are left. A slow reader gets them as it reads. */
interface Place {
  next: number;
  left: number;
}

/** One filter with one interval. */
interface Lane {
  filter: CompiledFilter;
  everyMs: number;
  members: Map<Subscription, Place>;
  latest: Map<string, Progress>;
  /** The messages of the newest round. */
  round: readonly Message[];
  stop: () => void;
}

/** Number of routes that are cached; beyond it they are computed anew. */
const MAX_ROUTES = 16_384;

export interface ProgressDeps {
  view: ViewPort;
  hub: Hub;
  limits: GatewayLimits;
  clock: Clock;
  scheduler: Scheduler;
}

export class ProgressLanes {
  readonly #view: ViewPort;
  readonly #hub: Hub;
  readonly #limits: GatewayLimits;
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  /**
   * Lanes whose interval has passed. If there are too many for one turn, the others follow in later turns, with the measures that are newest then.
   */
  readonly #due: WorkQueue;
  /** The lanes that want a job of a source. */
  readonly #routes = new Map<string, readonly Lane[]>();
  /** The JSON of each row, shared by all lanes. */
  readonly #texts = new WeakMap<Progress, string>();
  readonly #following: RxSubscription;

  constructor({ view, hub, limits, clock, scheduler }: ProgressDeps) {
    this.#view = view;
    this.#hub = hub;
    this.#limits = limits;
    this.#clock = clock;
    this.#due = scheduler.queue();
    this.#following = view.progress$.subscribe((rows) => this.#take(rows));
  }

  add(subscription: Subscription): void {
    const { filter, progressMs } = subscription;
    if (progressMs === undefined) return;
    const key = `${filter.id} ${progressMs}`;
    const known = this.#lanes.get(key);
    if (known) {
      known.members.set(subscription, { next: 0, left: 0 });
      return;
    }
    const lane: Lane = {
      filter,
      everyMs: progressMs,
      members: new Map([[subscription, { next: 0, left: 0 }]]),
      latest: new Map(),
      round: [],
      stop: this.#clock.every(progressMs, () => this.#due.later(lane, () => this.#send(lane))),
    };
    this.#lanes.set(key, lane);
    this.#demand(lane, true);
  }

  remove(subscription: Subscription): void {
    const lane = this.#laneOf(subscription);
    if (!lane?.members.delete(subscription) || lane.members.size > 0) return;
    lane.stop();
    this.#due.drop(lane);
    this.#lanes.delete(`${lane.filter.id} ${lane.everyMs}`);
    this.#demand(lane, false);
  }

  /** The subscription's socket has drained: writes what it lacks of the newest round. */
  drained(subscription: Subscription): void {
    const lane = this.#laneOf(subscription);
    const place = lane?.members.get(subscription);
    if (lane && place && place.left > 0) this.#serve(lane, subscription, place);
  }

  close(): void {
    this.#following.unsubscribe();
    for (const lane of this.#lanes.values()) lane.stop();
    this.#due.clear();
    this.#lanes.clear();
    this.#routes.clear();
  }

  #laneOf({ filter, progressMs }: Subscription): Lane | undefined {
    return progressMs === undefined ? undefined : this.#lanes.get(`${filter.id} ${progressMs}`);
  }

  /** The sources of a lane are polled from now on, or no longer. */
  #demand({ filter, everyMs }: Lane, isWanted: boolean): void {
    this.#routes.clear();
    const wants = (source: string): boolean => filter.wantsSource(source);
    this.#view.demand(`progress ${everyMs} ${filter.id}`, isWanted ? { wants, everyMs } : undefined);
  }

  #take(rows: readonly Progress[]): void {
    if (this.#lanes.size === 0) return;
    for (const row of rows) {
      const key = `${row.source} ${row.job}`;
      for (const lane of this.#route(key, row)) lane.latest.set(key, row);
    }
  }

  #route(key: string, { source, job }: Progress): readonly Lane[] {
    const known = this.#routes.get(key);
    if (known) return known;
    const lanes = [...this.#lanes.values()].filter(({ filter }) => filter.wantsJob(source, job));
    if (this.#routes.size >= MAX_ROUTES) this.#routes.clear();
    this.#routes.set(key, lanes);
    return lanes;
  }

  #send(lane: Lane): true {
    if (lane.latest.size === 0) return true;
    const isLive = (row: Progress): boolean => this.#view.isLive(row.source, row.job, row.run);
    // No member can take it, so it is not encoded; a later round has the newest measures of those that still run.
    if (![...lane.members.keys()].some(isReady)) {
      for (const [key, row] of lane.latest) if (!isLive(row)) lane.latest.delete(key);
      return true;
    }
    const rows = [...lane.latest.values()].filter(isLive);
    lane.latest.clear();
    if (rows.length === 0) return true;
    lane.round = this.#encode(lane.filter.id, rows);
    for (const [member, place] of lane.members) {
      // A member that lacks a part of the last round begins with that part, so that no job is left out permanently.
      if (place.left === 0) place.next = 0;
      place.left = lane.round.length;
      this.#serve(lane, member, place);
    }
    return true;
  }

  /** Writes as many messages as the socket takes without being parked by them. */
  #serve({ round }: Lane, member: Subscription, place: Place): void {
    const { outbox } = member.peer;
    this.#hub.flush(member.peer, 0);
    while (place.left > 0 && isReady(member)) {
      const message = round[place.next % round.length];
      if (!message) return;
      // Half of the bytes that may be unsent are reserved for events. The rest of the round follows when the socket has drained, or with the next
      // round.
      const { pending } = outbox;
      if (pending > 0 && pending + message.frame.bytes.length > this.#limits.highWaterBytes / 2)
        return outbox.awaitDrain();
      place.next += 1;
      place.left -= 1;
      // While the message waited, one of its runs may have ended.
      if (message.rows.every((row) => this.#view.isLive(row.source, row.job, row.run))) outbox.share(message.frame);
    }
  }

  /** As few messages as the limit allows. */
  #encode(subscription: string, rows: readonly Progress[]): Message[] {
    const messages: Message[] = [];
    const room = this.#limits.frameBytes - 256;
    let bytes = 0;
    let from = 0;
    const cut = (to: number): void => {
      const part = rows.slice(from, to);
      const texts = part.map((row) => this.#textOf(row));
      messages.push({ frame: shareFrame(progressText(subscription, texts)), rows: part });
      from = to;
      bytes = 0;
    };
    for (const [at, row] of rows.entries()) {
      const size = Buffer.byteLength(this.#textOf(row)) + 1;
      if (bytes + size > room && at > from) cut(at);
      bytes += size;
    }
    cut(rows.length);
    return messages;
  }

  #textOf(row: Progress): string {
    let text = this.#texts.get(row);
    if (text === undefined) {
      text = JSON.stringify(row);
      this.#texts.set(row, text);
    }
    return text;
  }
}

function isReady({ isLive, peer }: Subscription): boolean {
  return isLive && !peer.outbox.isBlocked;
}
