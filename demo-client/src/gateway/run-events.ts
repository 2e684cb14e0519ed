// One run from its beginning: its events from the log, and its figures at a shorter interval than the page's. Owns its subscription.
import { signal } from '@preact/signals';
import type { Client, Gap } from 'qmp-gateway/client';
import { cursorBefore, type Entry } from 'qmp-gateway/protocol';
import { extend, newTrail, type Trail } from '../model/fleet/pace.js';

export interface RunTarget {
  source: string;
  job: string;
  run: string;
  /** Cursor of the entry that began it. A gateway that does not send it names the run by that cursor. */
  began: string | undefined;
}

const TRAIL_MAX = 1_200;
const EVENTS_MAX = 2_000;

export function openRunEvents(client: Client, { source, job, run, began = run }: RunTarget, seed: Trail | undefined) {
  const events = signal<readonly Entry[]>([]);
  const gap = signal<Gap | undefined>(undefined);
  const trail = signal<Trail>(seed ? { at: [...seed.at], offset: [...seed.offset] } : newTrail());
  const subscription = client.subscribe(
    // From right before its first entry, the log replays the whole run.
    { sources: [source], jobs: [job], after: cursorBefore(began), progress: 500 },
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
        // The last figures of a job that is ending say nothing of its speed.
        if (!row || row.status === 'aborting' || row.status === 'concluded') return;
        const { at, offset } = trail.peek();
        extend({ at, offset }, Date.now(), Number(row.offset), TRAIL_MAX);
        trail.value = { at, offset };
      },
    },
  );
  return { events, gap, trail, close: () => subscription.unsubscribe() };
}
