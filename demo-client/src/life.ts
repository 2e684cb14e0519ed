// One run from its beginning. In: a client, a job. Out: its events as the log has them, and a trail of its own. Owns its subscription.
import { signal } from '@preact/signals';
import type { Client, Gap } from 'qmp-gateway/client';
import { type Entry, formatCursor, parseCursor } from 'qmp-gateway/protocol';
import { extend, newTrail, type Trail } from './model/pace.js';

export interface LifeTarget {
  source: string;
  job: string;
  run: string;
}

const TRAIL_MAX = 1_200;
const EVENTS_MAX = 2_000;

/** A run is named by the position of the event that began it: from just before it, the log replays all of it. */
function beforeRun(run: string): string {
  const position = parseCursor(run);
  return position ? formatCursor(position.epoch, position.offset - 1) : run;
}

export function openLife(client: Client, { source, job, run }: LifeTarget, seed: Trail | undefined) {
  const events = signal<readonly Entry[]>([]);
  const gap = signal<Gap | undefined>(undefined);
  const trail = signal<Trail>(seed ? { at: [...seed.at], offset: [...seed.offset] } : newTrail());
  const subscription = client.subscribe(
    { sources: [source], jobs: [job], after: beforeRun(run), progress: 500 },
    {
      events: (entries) => {
        const own = entries.filter((entry) => entry.job?.run === run);
        if (own.length > 0) events.value = [...events.peek(), ...own].slice(-EVENTS_MAX);
      },
      gap: (lost) => {
        gap.value = lost;
      },
      progress: (rows) => {
        const row = rows.find((each) => each.run === run);
        // What an ending job reports last is not its pace.
        if (!row || row.status === 'aborting' || row.status === 'concluded') return;
        const { at, offset } = trail.peek();
        extend({ at, offset }, Date.now(), Number(row.offset), TRAIL_MAX);
        trail.value = { at, offset };
      },
    },
  );
  return { events, gap, trail, close: () => subscription.unsubscribe() };
}
