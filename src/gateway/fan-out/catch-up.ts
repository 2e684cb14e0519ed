// Subscriptions that are not live: after a resume, after their socket drained, or while their snapshot is sent in pages. Each turn takes a slice from
// the log for one of them, until it has the newest entry; it then joins its group in the same turn.

import type { Clock } from '../../clock.js';
import type { EventReader, LoggedEntry } from '../../log/index.js';
import { formatCursor } from '../../protocol/cursor.js';
import type { GatewayLimits } from '../limits.js';
import type { GatewayRecorder } from '../recorder.js';
import type { Scheduler, WorkQueue } from '../scheduler.js';
import { shareFrame } from '../wire/frame.js';
import { resetText, snapshotText } from '../wire/messages.js';
import type { CompiledFilter } from './filter.js';
import { type DeliveryCounts, encodeEvents, type Frame } from './group.js';
import type { Snapshot, Snapshots } from './snapshot.js';
import type { Subscription } from './subscription.js';

/** Dependencies of the hub. */
export interface HubDeps {
  log: EventReader;
  snapshots: Snapshots;
  limits: GatewayLimits;
  clock: Clock;
  scheduler: Scheduler;
  recorder: GatewayRecorder;
}

export type ResetReason = 'retention' | 'grants' | 'epoch';

/** Counts since the gateway started. */
export interface CatchUpCounts extends DeliveryCounts {
  /** Subscriptions that were reset, since entries that they lacked had left the retention, their grants changed, or the log began another epoch. */
  resets: Record<ResetReason, number>;
  /** Subscriptions that reached the newest entry and went live. */
  caughtUp: number;
}

/** The entries of one filter after a position, as frames, up to the position `examined`. */
interface Replay {
  frames: readonly Frame[];
  examined: number;
  /** Offset of the log's newest entry when it was made. A replay that reaches it holds until the next entry. */
  head: number;
  /** The log has to read them first. */
  pending?: Promise<void> | undefined;
}

/**
 * Number of replays that are cached, their bytes in all, and for how many milliseconds: after a network failure thousands of clients resume from one
 * position.
 */
const MAX_REPLAYS = 32;
const MAX_REPLAY_BYTES = 8 * 1024 * 1024;
const REPLAY_MS = 1_000;
/** Milliseconds for which a slice is searched. */
const SLICE_MS = 2;

export class CatchUp {
  readonly #log: EventReader;
  readonly #snapshots: Snapshots;
  readonly #limits: GatewayLimits;
  readonly #counts: CatchUpCounts;
  readonly #join: (subscription: Subscription) => void;
  readonly #clock: Clock;
  readonly #turns: WorkQueue;
  readonly #replays = new Map<string, Replay>();
  #replayBytes = 0;
  #isClosed = false;
  #stopForgetting: (() => void) | undefined;

  /** @param join makes a subscription live that has everything up to the newest entry. */
  constructor(
    { log, snapshots, limits, clock, scheduler }: HubDeps,
    counts: CatchUpCounts,
    join: (subscription: Subscription) => void,
  ) {
    this.#log = log;
    this.#snapshots = snapshots;
    this.#limits = limits;
    this.#clock = clock;
    this.#turns = scheduler.queue();
    this.#counts = counts;
    this.#join = join;
  }

  /** Takes the first slice at once, since most subscriptions lack little. If too many do in one turn, the others wait for later turns. */
  start(subscription: Subscription): void {
    const { state, examined } = subscription;
    // It lacks nothing.
    if (state.kind === 'behind' && examined === this.#log.head) this.#step(subscription);
    else this.#turns.now(subscription, () => this.#step(subscription));
  }

  /** Takes the next slice in a later turn. */
  later(subscription: Subscription): void {
    this.#turns.later(subscription, () => this.#step(subscription));
  }

  /** Stops: no further frame is written for the subscription. */
  drop(subscription: Subscription): void {
    this.#turns.drop(subscription);
  }

  close(): void {
    this.#isClosed = true;
    this.#turns.clear();
    this.forget();
  }

  /** One slice. `true`: there is nothing to do until the socket drains, or ever. */
  #step(subscription: Subscription): boolean {
    const { state, peer } = subscription;
    if (state.kind === 'live' || state.kind === 'ended' || peer.outbox.isBlocked) return true;
    if (state.kind === 'paging') {
      this.#page(subscription, state);
      return false;
    }
    const { filter } = subscription;
    const isVoid = state.kind === 'regranted' || state.kind === 'voided';
    if (isVoid || !this.#log.retainsAfter(subscription.examined, filter.wantsSource)) {
      // It was at a gateway of the cluster that was further on, and what it has seen there is in the stream no more.
      if (subscription.examined > this.#log.head) subscription.void();
      if (this.#snapshots.prepare(filter)) this.#reset(subscription);
      return false;
    }
    const { frames, examined, pending } = this.#replay(filter, subscription.examined);
    if (pending) {
      void pending.then(() => {
        if (!this.#isClosed) this.later(subscription);
      });
      return true;
    }
    for (const frame of frames) {
      // A single frame may fill the socket; the others follow when it has drained.
      if (peer.outbox.isBlocked) return true;
      peer.outbox.share(frame.message);
      this.#counts.deliveries += frame.events;
      subscription.advanceTo(frame.examined);
    }
    subscription.advanceTo(examined);
    const done = examined === this.#log.head;
    if (done) {
      this.#join(subscription);
      this.#counts.caughtUp += 1;
    }
    peer.advanced();
    return done;
  }

  /** The slice after a position, encoded once for all subscriptions with the same filter at that position. */
  #replay(filter: CompiledFilter, from: number): Replay {
    const { head } = this.#log;
    if (from === head) return { frames: [], examined: head, head };
    const key = `${filter.id} ${from}`;
    const known = this.#replays.get(key);
    if (known && (known.examined < known.head || known.head === head)) return known;
    const { wanted, examined, pending } = this.#slice(filter, from);
    if (pending) return { frames: [], examined, head, pending };
    const cursorOf = (offset: number): string => formatCursor(this.#log.epoch, offset);
    const frames = encodeEvents(filter.id, wanted, examined, this.#limits.frameBytes, cursorOf);
    const replay = { frames, examined, head };
    this.#replayBytes += frames.reduce((sum, { message }) => sum + message.bytes.length, 0);
    if (this.#replays.size >= MAX_REPLAYS || this.#replayBytes > MAX_REPLAY_BYTES) this.forget();
    else this.#replays.set(key, replay);
    this.#stopForgetting ??= this.#clock.after(REPLAY_MS, () => this.forget());
    return replay;
  }

  /** A slice, bounded by the number of entries, by bytes of the wanted ones (but at least one), and by time. */
  #slice(filter: CompiledFilter, from: number): { wanted: LoggedEntry[]; examined: number; pending?: Promise<void> } {
    const { sliceEntries, sliceBytes } = this.#limits;
    const { entries, examined, pending } = this.#log.readAfter(from, sliceEntries);
    if (pending) return { wanted: [], examined: from, pending };
    const due = this.#clock.now() + SLICE_MS;
    const wanted: LoggedEntry[] = [];
    let bytes = 0;
    let before = from;
    for (const entry of entries) {
      if (filter.wants(entry)) {
        bytes += entry.json.length;
        if (wanted.length > 0 && bytes > sliceBytes) return { wanted, examined: before };
        wanted.push(entry);
      }
      before = entry.offset;
      if (this.#clock.now() > due) return { wanted, examined: before };
    }
    return { wanted, examined };
  }

  /** The replays that are cached: their cursors are of the present epoch. */
  forget(): void {
    this.#stopForgetting?.();
    this.#stopForgetting = undefined;
    this.#replays.clear();
    this.#replayBytes = 0;
  }

  #page(subscription: Subscription, state: { snapshot: Snapshot; next: number }): void {
    const { snapshot, next } = state;
    const page = snapshot.pages[next];
    const last = next >= snapshot.pages.length - 1;
    if (page) {
      const { jobs, settled } = page;
      const { cursor } = snapshot;
      page.frame ??= shareFrame(
        snapshotText({ subscription: subscription.filter.id, page: next + 1, last, cursor, jobs, settled }),
      );
      subscription.peer.outbox.share(page.frame);
    }
    subscription.turnPage();
  }

  /** Replaces what the client had by a snapshot: entries that it lacks have left the retention, or its grants have changed. */
  #reset(subscription: Subscription): void {
    const { filter, state, peer } = subscription;
    const { cursor } = this.#log;
    const snapshot = this.#snapshots.take(filter, cursor);
    const paged = snapshot.pages.length > 1;
    const { jobs, settled } = (paged ? undefined : snapshot.pages[0]) ?? { jobs: '[]', settled: '[]' };
    const { sources } = snapshot;
    const regranted = state.kind === 'regranted' && subscription.formerly !== undefined;
    const known = regranted ? subscription.formerly : filter.id;
    const reason: ResetReason = regranted ? 'grants' : state.kind === 'voided' ? 'epoch' : 'retention';
    const key = `${reason} ${known}`;
    let frame = snapshot.resets.get(key);
    if (!frame) {
      const why = regranted ? { reason, next: filter.id } : { reason };
      const pages = paged ? { pages: snapshot.pages.length } : {};
      frame = shareFrame(resetText({ subscription: known, ...why, cursor, jobs, settled, sources, ...pages }));
      snapshot.resets.set(key, frame);
    }
    peer.outbox.share(frame);
    subscription.reset(snapshot, this.#log.head);
    this.#counts.resets[reason] += 1;
  }
}
