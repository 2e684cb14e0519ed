// The state of one gateway as signals, which change at most ten times a second, however much arrives. Only this file writes them; views read them.
import { batch, computed, signal } from '@preact/signals';
import { type Client, type ClientState, cutOf, type Gap, type Observer } from 'qmp-gateway/client';
import { type Entry, epochOf, type Job, type Progress, type SettledRun } from 'qmp-gateway/protocol';
import { type Frame, LiveTable } from '../model/fleet/live-table.js';
import { extend, newTrail, type Trail } from '../model/fleet/pace.js';
import { judgeOrphans, orphansOf } from '../model/run/unseen.js';
import { readHistory } from './history.js';
import { openJobDetails } from './job-details.js';
import { openPastRuns } from './past-runs.js';
import { openStarts } from './starts.js';

/** An item of the event feed: an entry of the log, or a place where entries may be missing. */
export type FeedItem =
  | { kind: 'entry'; key: string; entry: Entry }
  | { kind: 'gap'; key: string; at: number; gap: Gap };

/** Entries that the feed keeps. Older ones leave the page, not the gateway's log. */
export const FEED_MAX = 5_000;
const TRAIL_MAX = 90;
/** Milliseconds between two renderings, at least; after a slow one the pause is longer. */
const BEAT_MS = 100;
const PING_MS = 5_000;
const CROWD = 2_000;
const PACE_MS = { few: 1_000, many: 5_000 } as const;

export type Gateway = ReturnType<typeof openGateway>;

/** What the page's principal may do; `undefined`: everything, or not connected. */
export function scopesOf({ state }: Gateway): readonly string[] | undefined {
  return state.value.phase === 'open' ? state.value.scopes : undefined;
}

export function openGateway(client: Client) {
  const state = signal<ClientState>(client.state);
  const table = signal<Frame | undefined>(undefined);
  const feed = signal<readonly FeedItem[]>([]);
  const gaps = signal<readonly { at: number; gap: Gap }[]>([]);
  /** Runs that a reset has left without a settlement. */
  const unseen = signal<ReadonlyMap<string, SettledRun>>(new Map());
  const failure = signal<string | undefined>(undefined);
  /** Round-trip time, and the age of the newest event when it came (QEMU's clock compared with this one's). */
  const lag = signal<{ roundTripMs?: number; eventMs?: number; eventAt?: number; heardAt?: number }>({});
  /** How many jobs stand still until a person decides. */
  const needing = computed(() => table.value?.tally.needing ?? 0);
  const trails = new Map<string, Trail>();
  const past = openPastRuns(client);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let restMs = BEAT_MS;
  /** What has arrived, at once; `table` is what of it is drawn. */
  let live: LiveTable | undefined;
  const changed = (): void => {
    timer ??= setTimeout(show, restMs);
  };
  const starts = openStarts(client, (runs) => {
    live?.touch(runs);
    changed();
  });
  const details = openJobDetails(client, (jobs) => {
    live?.detail(jobs);
    changed();
  });
  let stopHistory = (): void => {};
  let orphans: Job[] = [];
  let items: FeedItem[] = [];

  function show(): void {
    timer = undefined;
    const began = performance.now();
    batch(() => {
      if (live) {
        table.value = live.frame();
        if (orphans.length > 0) {
          const { open, lost } = judgeOrphans(orphans, live);
          orphans = open;
          if (lost.length > 0)
            unseen.value = new Map([...unseen.peek(), ...lost.map((end) => [end.run, end] as const)]);
        }
      }
      if (items.length > 0) {
        feed.value = [...feed.peek(), ...items].slice(-FEED_MAX);
        items = [];
      }
    });
    restMs = Math.min(1_000, Math.max(BEAT_MS, (performance.now() - began) * 4));
    if (live?.hasMore) changed();
  }

  function events(entries: readonly Entry[], cursor: string): void {
    if (live) {
      live.apply(entries, cursor);
      details.look(live, entries);
      starts.note(live, entries);
    }
    const epoch = epochOf(cursor);
    for (const entry of entries) {
      items.push({ kind: 'entry', key: `${epoch}:${entry.offset}`, entry });
      if (entry.type === 'GATEWAY_JOB_SETTLED' && entry.job) trails.delete(entry.job.run);
    }
    const now = Date.now();
    const stamped = entries.at(-1)?.time;
    lag.value = {
      ...lag.peek(),
      heardAt: now,
      eventAt: now,
      ...(stamped ? { eventMs: Math.max(0, now - Date.parse(stamped)) } : {}),
    };
    changed();
  }

  /** Entries older than the feed's own. */
  function earlier(entries: readonly Entry[]): void {
    const epoch = live ? epochOf(live.cursor) : '';
    const older = entries.map((entry): FeedItem => ({ kind: 'entry', key: `${epoch}:${entry.offset}`, entry }));
    feed.value = [...older, ...feed.peek()].slice(-FEED_MAX);
  }

  function progress(rows: readonly Progress[]): void {
    const now = Date.now();
    for (const row of rows) {
      const trail = trails.get(row.run) ?? newTrail();
      extend(trail, now, Number(row.offset), TRAIL_MAX);
      trails.set(row.run, trail);
    }
    live?.measure(rows, new Date(now).toISOString());
    lag.value = { ...lag.peek(), heardAt: now };
    changed();
  }

  const observer: Observer = {
    snapshot: (cut) => {
      if (live) {
        const before = { jobs: live.jobs };
        live.reset(cut);
        if (cut.reason !== 'initial') orphans = [...orphans, ...orphansOf(before, live)];
      } else {
        live = new LiveTable(cut);
        stopHistory = readHistory(client, cut.cursor, earlier);
      }
      for (const run of trails.keys()) if (!live.jobs.has(run)) trails.delete(run);
      starts.keep(live);
      lag.value = { ...lag.peek(), heardAt: Date.now() };
      changed();
    },
    events,
    progress,
    gap: (gap) => {
      const at = Date.now();
      items.push({ kind: 'gap', key: `gap ${at} ${gap.cursor}`, at, gap });
      gaps.value = [...gaps.peek(), { at, gap }];
      changed();
    },
    error: (error) => {
      failure.value = `${error.reason}: ${error.message}`;
    },
  };
  let pace: keyof typeof PACE_MS = 'few';
  let subscription = client.subscribe({ progress: PACE_MS[pace] }, observer);
  /**
   * Figures of many jobs cost bandwidth on both sides and time to draw, so their interval is longer; the subscription goes on from the same position.
   */
  const stopPace = table.subscribe((shown) => {
    const fit = (shown?.jobs.size ?? 0) > CROWD ? 'many' : 'few';
    if (fit === pace) return;
    pace = fit;
    const { cursor } = subscription;
    subscription.unsubscribe();
    subscription = client.subscribe(
      { ...(cursor !== undefined && { after: cursor }), progress: PACE_MS[fit] },
      observer,
    );
  });

  async function ping(): Promise<void> {
    if (client.state.phase !== 'open') return;
    const began = performance.now();
    await client.info({ timeoutMs: PING_MS }).then(
      ({ features = [] }) => {
        past.learn(features);
        lag.value = { ...lag.peek(), roundTripMs: performance.now() - began, heardAt: Date.now() };
      },
      () => undefined, // the connection's state says what is wrong
    );
  }

  const pinging = setInterval(() => void ping(), PING_MS);
  const stopState = client.onState((value) => {
    state.value = value;
    if (value.phase === 'open') void ping();
  });

  return {
    client,
    state,
    table,
    needing,
    feed,
    gaps,
    unseen,
    failure,
    lag,
    past,
    starts,
    trails: trails as ReadonlyMap<string, Trail>,
    /** Runs for which this page has sent a command. */
    requested: new Set<string>(),
    /** The page has handled the error; the feed keeps its marks. */
    dismissGaps: (): void => {
      gaps.value = [];
    },
    /** The present state, for tests and for a copy to the clipboard. */
    cut: () => live && cutOf(live),
    close: (): void => {
      clearTimeout(timer);
      clearInterval(pinging);
      details.close();
      past.close();
      starts.close();
      stopState();
      stopPace();
      stopHistory();
      subscription.unsubscribe();
      client.close();
    },
  };
}
