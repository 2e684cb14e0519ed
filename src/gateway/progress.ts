// The state lane. In: fresh measures from polls. Out: the latest of each run, once an interval, encoded once for each filter and interval.
// Last writer wins; skipped while a client is parked; never a run before its first event or after its settlement.
import type { Subscription as RxSubscription } from 'rxjs';
import { PROGRESS_DEFAULT, PROGRESS_INTERVALS, type ProgressInterval } from '../protocol/limits.js';
import type { Progress } from '../protocol/types.js';
import type { CompiledFilter } from './filter.js';
import { shareFrame } from './frame.js';
import type { Hub } from './hub.js';
import { notificationText } from './messages.js';
import type { ViewPort } from './ports.js';
import type { Subscription } from './subscription.js';

/** The wire's `progress` as an interval: rounded up, the longest for anything longer. */
export function progressInterval(asked: boolean | number | undefined): ProgressInterval | undefined {
  if (asked === undefined || asked === false) return undefined;
  if (asked === true) return PROGRESS_DEFAULT;
  return PROGRESS_INTERVALS.find((each) => each >= asked) ?? 5000;
}

interface Lane {
  filter: CompiledFilter;
  members: Set<Subscription>;
  latest: Map<string, Progress>;
  timer: NodeJS.Timeout;
}

export class ProgressLanes {
  readonly #view: ViewPort;
  readonly #hub: Hub;
  readonly #lanes = new Map<string, Lane>();
  readonly #following: RxSubscription;

  constructor(view: ViewPort, hub: Hub) {
    this.#view = view;
    this.#hub = hub;
    this.#following = view.progress$.subscribe((rows) => this.#take(rows));
  }

  add(subscription: Subscription): void {
    const { filter, progressMs } = subscription;
    if (progressMs === undefined) return;
    const key = `${filter.id} ${progressMs}`;
    const known = this.#lanes.get(key);
    if (known) {
      known.members.add(subscription);
      return;
    }
    const lane: Lane = {
      filter,
      members: new Set([subscription]),
      latest: new Map(),
      timer: setInterval(() => this.#send(lane, filter.id), progressMs),
    };
    this.#lanes.set(key, lane);
    this.#view.demand(key, { wants: (source) => filter.wantsSource(source), everyMs: progressMs });
  }

  remove(subscription: Subscription): void {
    const key = `${subscription.filter.id} ${subscription.progressMs}`;
    const lane = this.#lanes.get(key);
    if (!lane?.members.delete(subscription) || lane.members.size > 0) return;
    clearInterval(lane.timer);
    this.#lanes.delete(key);
    this.#view.demand(key, undefined);
  }

  close(): void {
    this.#following.unsubscribe();
    for (const lane of this.#lanes.values()) clearInterval(lane.timer);
    this.#lanes.clear();
  }

  #take(rows: readonly Progress[]): void {
    for (const { filter, latest } of this.#lanes.values())
      for (const row of rows) if (filter.wantsJob(row.source, row.job)) latest.set(`${row.source} ${row.job}`, row);
  }

  #send(lane: Lane, subscription: string): void {
    if (lane.latest.size === 0) return;
    const jobs = [...lane.latest.values()].filter((row) => this.#view.isLive(row.source, row.job, row.run));
    lane.latest.clear();
    if (jobs.length === 0) return;
    const frame = shareFrame(notificationText('progress', { subscription, jobs }));
    for (const member of lane.members) {
      this.#hub.flush(member.peer, 0);
      if (member.state.kind === 'live' && !member.peer.outbox.isBlocked) member.peer.outbox.share(frame);
    }
  }
}
