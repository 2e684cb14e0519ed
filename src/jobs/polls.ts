// QMP has no progress event, so somebody must poll: once a source for everybody, only while a job is active and someone wants it.
// In: demands. Out: polls, each after the reply of the last, slower where QEMU's main loop is slow. Idle sources cost nothing.
import type { SourceTracker } from './track.js';

export interface Demand {
  wants: (source: string) => boolean;
  /** Milliseconds between two polls, at best. */
  everyMs: number;
}

/** A poll takes at most a quarter of a source's time. */
const SLOWDOWN = 4;

export class Polls {
  readonly #demands = new Map<string, Demand>();
  readonly #trackers = new Set<SourceTracker>();
  readonly #timers = new Map<SourceTracker, NodeJS.Timeout>();
  readonly #polling = new Set<SourceTracker>();

  add(tracker: SourceTracker): void {
    this.#trackers.add(tracker);
  }

  /** `undefined` ends the demand of that key. */
  demand(key: string, demand: Demand | undefined): void {
    if (demand) this.#demands.set(key, demand);
    else this.#demands.delete(key);
    for (const tracker of this.#trackers) if (!demand || demand.wants(tracker.name)) this.arm(tracker);
  }

  /** A run began, or the source is back: there may be something to poll. */
  arm(tracker: SourceTracker, slowestMs = 0): void {
    clearTimeout(this.#timers.get(tracker));
    this.#timers.delete(tracker);
    if (this.#polling.has(tracker)) return;
    const everyMs = this.#intervalOf(tracker);
    if (everyMs === undefined) return;
    this.#timers.set(
      tracker,
      setTimeout(() => this.#poll(tracker), Math.max(everyMs, slowestMs)),
    );
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#trackers.clear();
    this.#demands.clear();
  }

  #poll(tracker: SourceTracker): void {
    this.#timers.delete(tracker);
    this.#polling.add(tracker);
    const asked = performance.now();
    void tracker.poll().then(() => {
      this.#polling.delete(tracker);
      if (this.#trackers.has(tracker)) this.arm(tracker, (performance.now() - asked) * SLOWDOWN);
    });
  }

  #intervalOf(tracker: SourceTracker): number | undefined {
    if (!tracker.session || !hasActiveRun(tracker)) return undefined;
    let everyMs: number | undefined;
    for (const demand of this.#demands.values())
      if ((everyMs === undefined || demand.everyMs < everyMs) && demand.wants(tracker.name)) everyMs = demand.everyMs;
    return everyMs;
  }
}

function hasActiveRun(tracker: SourceTracker): boolean {
  for (const run of tracker.runs.values()) if (!run.settled) return true;
  return false;
}
