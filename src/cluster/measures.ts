// Progress: the measures of live jobs go from the owners to all edges by NATS itself, never into the stream. Each source is polled once for all edges,
// as often as the most demanding of them wants.
import type { Subscription } from 'rxjs';
import type { Clock } from '../clock.js';
import type { ViewPort } from '../gateway/index.js';
import type { Bus, Subjects } from '../nats/index.js';
import type { Progress } from '../protocol/types.js';
import { type DemandMessage, isDemand, isProgress, type ProgressMessage } from './words.js';

/** Milliseconds between two repetitions of what an edge wants. */
const REPEAT_MS = 5_000;
/** Milliseconds for which an owner remembers it. */
const FORGET_MS = 3 * REPEAT_MS;

/** The owner's side. */
export class MeasureServer {
  readonly #clock: Clock;
  readonly #view: Pick<ViewPort, 'demand'>;
  /** What each edge wants, by source. */
  readonly #edges = new Map<string, { everyMs: Readonly<Record<string, number>>; at: number }>();
  readonly #demanded = new Map<string, number>();
  readonly #stop: (() => void)[];
  readonly #publishing: Subscription;

  constructor(bus: Bus, subjects: Subjects, clock: Clock, view: Pick<ViewPort, 'demand' | 'progress$'>) {
    this.#clock = clock;
    this.#view = view;
    this.#publishing = view.progress$.subscribe((rows) => {
      for (const [source, own] of bySource(rows))
        bus.publish(subjects.progress(source), { v: 1, rows: own } satisfies ProgressMessage);
    });
    this.#stop = [
      bus.subscribe(subjects.demand, (body) => {
        if (isDemand(body)) this.#take(body);
      }),
      clock.every(REPEAT_MS, () => this.#apply()),
    ];
  }

  close(): void {
    for (const stop of this.#stop) stop();
    this.#publishing.unsubscribe();
  }

  #take({ member, everyMs }: DemandMessage): void {
    this.#edges.set(member, { everyMs, at: this.#clock.now() });
    this.#apply();
  }

  #apply(): void {
    const wanted = new Map<string, number>();
    for (const [member, { everyMs, at }] of this.#edges) {
      if (this.#clock.now() - at > FORGET_MS) this.#edges.delete(member);
      else
        for (const [source, each] of Object.entries(everyMs))
          wanted.set(source, Math.min(each, wanted.get(source) ?? Number.POSITIVE_INFINITY));
    }
    for (const source of this.#demanded.keys()) if (!wanted.has(source)) this.#demand(source, undefined);
    for (const [source, everyMs] of wanted) if (this.#demanded.get(source) !== everyMs) this.#demand(source, everyMs);
  }

  #demand(source: string, everyMs: number | undefined): void {
    if (everyMs === undefined) this.#demanded.delete(source);
    else this.#demanded.set(source, everyMs);
    const wants = (name: string): boolean => name === source;
    this.#view.demand(`edges ${source}`, everyMs === undefined ? undefined : { wants, everyMs });
  }
}

export interface MeasureClientOptions {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  member: string;
  sources: () => readonly string[];
  measured: (rows: readonly Progress[]) => void;
}

/** The edge's side. */
export class MeasureClient implements Pick<ViewPort, 'freshen' | 'demand'> {
  readonly #options: MeasureClientOptions;
  readonly #demands = new Map<string, { wants: (source: string) => boolean; everyMs: number }>();
  /** When the measures of a source came last. */
  readonly #measuredAt = new Map<string, number>();
  readonly #stop: (() => void)[];
  #isDirty = false;

  constructor(options: MeasureClientOptions) {
    this.#options = options;
    const { bus, subjects, clock, measured } = options;
    this.#stop = [
      bus.subscribe(subjects.progress('*'), (body, subject) => {
        const source = subjects.sourceOf(subject);
        if (!isProgress(body, source)) return;
        this.#measuredAt.set(source, clock.now());
        measured(body.rows);
      }),
      clock.every(REPEAT_MS, () => this.#say()),
    ];
  }

  demand(key: string, demand: { wants: (source: string) => boolean; everyMs: number } | undefined): void {
    if (demand) this.#demands.set(key, demand);
    else this.#demands.delete(key);
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#options.clock.soon(() => this.#say());
  }

  freshen(wants: (source: string) => boolean, maxAgeMs: number, waitMs: number): Promise<void> | undefined {
    const { bus, subjects, clock, sources } = this.#options;
    const now = clock.now();
    const isOld = (source: string): boolean =>
      now - (this.#measuredAt.get(source) ?? Number.NEGATIVE_INFINITY) > maxAgeMs;
    const old = sources().filter((source) => wants(source) && isOld(source));
    if (old.length === 0) return undefined;
    const asked = old.map((source) =>
      bus.request(subjects.commands(source), { v: 1, method: 'measure', maxAgeMs, waitMs }, waitMs),
    );
    return Promise.all(asked).then(() => undefined);
  }

  close(): void {
    for (const stop of this.#stop) stop();
  }

  #say(): void {
    this.#isDirty = false;
    const { bus, subjects, member, sources } = this.#options;
    const everyMs: Record<string, number> = {};
    for (const source of sources())
      for (const demand of this.#demands.values())
        if (demand.wants(source))
          everyMs[source] = Math.min(demand.everyMs, everyMs[source] ?? Number.POSITIVE_INFINITY);
    bus.publish(subjects.demand, { v: 1, member, everyMs } satisfies DemandMessage);
  }
}

function bySource(rows: readonly Progress[]): Map<string, Progress[]> {
  const sources = new Map<string, Progress[]>();
  for (const row of rows) {
    const own = sources.get(row.source);
    if (own) own.push(row);
    else sources.set(row.source, [row]);
  }
  return sources;
}
