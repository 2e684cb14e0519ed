// QMP has no progress event, so the gateway polls: each source once for all clients, only while a job is active and a client wants its progress. An
// old QEMU raises no event when a job begins or pauses: it is polled while a job is active, and also without one for a client that wants progress.
// The next poll begins after the reply of the last, and later where QEMU's main loop is slow. A query for another reason has the same figures, so it
// counts as a poll.
import type { Clock } from '../../clock.js';
import { isActive } from '../model/run.js';
import type { SourceTracker } from './source-tracker.js';

export interface Demand {
  wants: (source: string) => boolean;
  /** Milliseconds between two polls, at least. */
  everyMs: number;
}

/** Polls fill at most about a quarter of the time. */
const SLOWDOWN = 4;

export class ProgressPoller {
  readonly #clock: Clock;
  readonly #legacyMs: number;
  readonly #demands = new Map<string, Demand>();
  /** Each with the intervals of the demands that want it, by key: a poll of one source does not look at the demands of all others. */
  readonly #trackers = new Map<SourceTracker, Map<string, number>>();
  readonly #armed = new Map<SourceTracker, { dueAt: number; stop: () => void }>();
  /** When the last query was answered (or the first poll was wanted), and how long the last poll took. */
  readonly #last = new Map<SourceTracker, { at: number; busyMs: number }>();
  readonly #polling = new Set<SourceTracker>();

  /** @param legacyMs milliseconds between two polls of a source whose events don't say all of its jobs, while one is active. */
  constructor(clock: Clock, legacyMs: number) {
    this.#clock = clock;
    this.#legacyMs = legacyMs;
  }

  add(tracker: SourceTracker): void {
    const wanted = new Map<string, number>();
    for (const [key, { wants, everyMs }] of this.#demands) if (wants(tracker.name)) wanted.set(key, everyMs);
    this.#trackers.set(tracker, wanted);
  }

  delete(tracker: SourceTracker): void {
    this.#armed.get(tracker)?.stop();
    this.#armed.delete(tracker);
    this.#last.delete(tracker);
    this.#trackers.delete(tracker);
  }

  /** Sets the demand of a key, which stands for one choice of sources; `undefined` ends it. */
  demand(key: string, demand: Demand | undefined): void {
    const before = this.#demands.get(key);
    if (before?.everyMs === demand?.everyMs) return;
    if (demand) this.#demands.set(key, demand);
    else this.#demands.delete(key);
    for (const [tracker, wanted] of this.#trackers) {
      const isWanted = demand?.wants(tracker.name) === true;
      if (isWanted) wanted.set(key, demand.everyMs);
      else if (!wanted.delete(key)) continue;
      this.arm(tracker);
    }
  }

  /**
   * Sets the timer again after a change: a run began, the source is back, a demand came or went. A poll is never put off by that, so that changes of
   * one client can't starve another.
   */
  arm(tracker: SourceTracker): void {
    if (this.#polling.has(tracker)) return;
    const everyMs = this.#intervalOf(tracker);
    const armed = this.#armed.get(tracker);
    if (everyMs === undefined) {
      armed?.stop();
      this.#armed.delete(tracker);
      return;
    }
    const now = this.#clock.now();
    const dueAt = Math.max(now, this.#dueAt(tracker, everyMs, now));
    if (armed && armed.dueAt <= dueAt) return;
    armed?.stop();
    this.#armed.set(tracker, { dueAt, stop: this.#clock.after(dueAt - now, () => this.#due(tracker)) });
  }

  /** Its jobs were queried, for whatever reason. */
  queried(tracker: SourceTracker): void {
    if (!this.#trackers.has(tracker)) return;
    this.#last.set(tracker, { at: this.#clock.now(), busyMs: this.#last.get(tracker)?.busyMs ?? 0 });
  }

  close(): void {
    for (const { stop } of this.#armed.values()) stop();
    this.#armed.clear();
    this.#last.clear();
    this.#trackers.clear();
    this.#demands.clear();
  }

  #dueAt(tracker: SourceTracker, everyMs: number, now: number): number {
    const { at = now, busyMs = 0 } = this.#last.get(tracker) ?? {};
    return at + Math.max(everyMs, busyMs * SLOWDOWN);
  }

  /** The timer of its next poll: it was queried meanwhile, or is polled. */
  #due(tracker: SourceTracker): void {
    this.#armed.delete(tracker);
    const everyMs = this.#intervalOf(tracker);
    const now = this.#clock.now();
    if (everyMs !== undefined && this.#last.has(tracker) && this.#dueAt(tracker, everyMs, now) > now) this.arm(tracker);
    else this.#poll(tracker);
  }

  #poll(tracker: SourceTracker): void {
    this.#polling.add(tracker);
    const asked = this.#clock.now();
    void tracker.poll().then(() => {
      this.#polling.delete(tracker);
      const at = this.#clock.now();
      this.#last.set(tracker, { at, busyMs: at - asked });
      if (this.#trackers.has(tracker)) this.arm(tracker);
    });
  }

  #intervalOf(tracker: SourceTracker): number | undefined {
    if (!tracker.isUp) return undefined;
    const isBusy = hasActiveRun(tracker);
    if (!isBusy && !tracker.legacy) return undefined;
    let everyMs = isBusy && tracker.legacy ? this.#legacyMs : undefined;
    for (const each of this.#trackers.get(tracker)?.values() ?? [])
      if (everyMs === undefined || each < everyMs) everyMs = each;
    return everyMs;
  }
}

function hasActiveRun(tracker: SourceTracker): boolean {
  for (const run of tracker.runs.values()) if (isActive(run)) return true;
  return false;
}
