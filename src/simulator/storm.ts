// Raises many events at a given rate; events that are late are raised with the next batch.
import type { Clock } from './clock.js';
import type { Operation } from './model.js';

interface Pace {
  events: number;
  /** Default 6,000, as measured on QEMU. With `atOnce` all are written in one event-loop turn. */
  perSecond?: number;
  atOnce?: boolean;
}

/** Equal BLOCK_JOB_ERROR events of one job: one text, one write per batch. */
export interface ErrorStorm extends Pace {
  id: string;
  /** Default write. */
  operation?: Operation;
  /** Default ignore. */
  action?: 'ignore' | 'report' | 'stop';
}

/** Any event, each with data of its own. */
export interface EventStorm extends Pace {
  event: string;
  /** @param nth from 0. Called when the event is raised. */
  data: (nth: number) => Record<string, unknown>;
}

export type Storm = ErrorStorm | EventStorm;

/** Milliseconds between two batches, at least; below 100 events a second, the interval of one event. */
const BATCH_MS = 10;

/** Calls `raise(n)` whenever n more events are due; resolves when all are raised or `stopped` says so. */
export function blow(storm: Pace, clock: Clock, raise: (count: number) => void, stopped: () => boolean): Promise<void> {
  const { events, perSecond = 6000, atOnce = false } = storm;
  if (atOnce) {
    raise(events);
    return Promise.resolve();
  }
  const begun = clock.now();
  const pause = Math.max(BATCH_MS, 1000 / perSecond);
  let raised = 0;
  return new Promise((resolve) => {
    const turn = (): void => {
      const over = stopped();
      const due = Math.min(events, Math.floor(((clock.now() - begun) * perSecond) / 1000));
      if (!over && due > raised) raise(due - raised);
      raised = Math.max(raised, due);
      if (over || raised >= events) resolve();
      else clock.setTimer(turn, pause);
    };
    clock.setTimer(turn, pause);
  });
}
