// `qmp-gateway/client/rx`: the client as cold Observables, typed by the filter. Each subscriber of a stream has a subscription of its own on the
// wire: use `share()` for several. The only file of the client that imports rxjs.
import { defer, Observable, type Subscriber, switchMap } from 'rxjs';
import { cursorAfter } from '../protocol/cursor.js';
import { foldEvents, foldProgress, type JobTable, tableOf } from '../protocol/job-table.js';
import type { Cursor, Entry, EventOf, Filter, KnownEventType, Progress } from '../protocol/types.js';
import type { Client } from './client.js';
import type { CursorStore } from './cursor-store.js';
import { clientError } from './errors.js';
import type { Gap, Observer, SubscribeFilter } from './observer.js';
import type { ClientState } from './state.js';

/** The entry for a type of the filter; for a glob, or a type that this version does not know, `data` is `unknown`. */
export type EventFor<Type extends string> = Type extends KnownEventType ? EventOf<Type> : Entry;

export interface StreamOptions {
  /** Completes the stream. */
  signal?: AbortSignal;
}

export interface EventOptions extends StreamOptions {
  /**
   * Called where events may be missing. Without it the stream errors with CONTINUITY_LOST, once for each gap: a `store` is moved to where the gateway goes
   * on, so that the next start begins there.
   */
  onGap?(gap: Gap): void;
  /**
   * Where the position is kept. The stream begins after the cursor that it has, and where it has none, at the moment of subscribing, as without it. A position is
   * saved in a later turn than the one in which `next` was called with its events, and at the latest with the next bookmark, 15 s. So after a crash events may come
   * a second time, and none is missing. Where the process lives on after an exception of a subscriber, as a page does, the position moves on behind events that were not
   * handled: there, and for asynchronous handling, take `withCursor` and save what was handled. Not together with `after`, `last` or `from`.
   */
  store?: CursorStore;
  /** Each event comes as `{event, cursor}`; a stream with `after: cursor` goes on behind it. Default `false`. */
  withCursor?: boolean;
}

/** An event and the position right after it. */
export interface Positioned<Event> {
  event: Event;
  cursor: Cursor;
}

/** A filter with literal types. */
export interface EventFilter<Types extends readonly string[]> extends Omit<SubscribeFilter, 'progress' | 'types'> {
  types: Types;
}

/**
 * Events from the moment of subscribing, after `after`, from `last` entries back, or from the time `from` on; `data` follows from the literal types.
 *
 * ```ts
 * events(client, { types: ['BLOCK_JOB_CANCELLED'] }).subscribe(({ source, data }) => console.log(source, data.device));
 * ```
 *
 * Errors with the GatewayError that ended the subscription, and with what `store` throws; completes when the client is closed.
 */
export function events<const Types extends readonly string[]>(
  client: Client,
  filter: EventFilter<Types>,
  options: EventOptions & { withCursor: true },
): Observable<Positioned<EventFor<Types[number]>>>;
export function events<const Types extends readonly string[]>(
  client: Client,
  filter: EventFilter<Types>,
  options?: EventOptions & { withCursor?: false },
): Observable<EventFor<Types[number]>>;
export function events(
  client: Client,
  filter: Omit<SubscribeFilter, 'progress'>,
  options: EventOptions & { withCursor: true },
): Observable<Positioned<Entry>>;
export function events(
  client: Client,
  filter?: Omit<SubscribeFilter, 'progress'>,
  options?: EventOptions & { withCursor?: false },
): Observable<Entry>;
export function events(
  client: Client,
  filter: SubscribeFilter = {},
  options: EventOptions = {},
): Observable<Entry | Positioned<Entry>> {
  const { store } = options;
  if (!store) return eventsFrom(client, filter, options);
  return defer(async () => store.load()).pipe(
    switchMap((after) => eventsFrom(client, after === undefined ? filter : { ...filter, after }, options)),
  );
}

function eventsFrom(
  client: Client,
  filter: SubscribeFilter,
  { signal, onGap, store, withCursor = false }: EventOptions,
): Observable<Entry | Positioned<Entry>> {
  return stream(client, filter, { ...(signal && { signal }) }, (subscriber) => {
    const save = saveTo(store, (error) => subscriber.error(error));
    let isLost = false;
    return {
      events: (entries, cursor) => {
        if (isLost) return;
        const last = entries.at(-1);
        for (const event of entries)
          subscriber.next(
            // The last event's position is the one up to which all that matches was examined.
            withCursor ? { event, cursor: event === last ? cursor : cursorAfter(cursor, event) } : event,
          );
      },
      position: (cursor) => {
        if (!isLost) save(cursor);
      },
      gap: (gap) => {
        if (isLost) return;
        if (onGap) return onGap(gap);
        isLost = true;
        const lost = clientError('CONTINUITY_LOST', `events may be missing: ${gap.reason}`, { ...gap });
        // `retry` starts again within the error, and begins with what the store has then.
        save(gap.cursor, () => subscriber.error(lost));
      },
    };
  });
}

/**
 * Positions that are given in one turn, or while another one is being saved, are saved as one, the newest. An exception of a subscriber ends the process by a timer of its own, which may have
 * been set after the first one here: the second one here fires after it, so the position of events that were not handled is not saved.
 */
function saveTo(store: CursorStore | undefined, failed: (error: unknown) => void): Save {
  let newest: Parameters<Save> | undefined;
  let isSaving = false;
  const saveNewest = (): void => {
    if (!newest || isSaving) return;
    isSaving = true;
    setTimeout(() => {
      const [cursor, saved] = newest as Parameters<Save>;
      newest = undefined;
      const save = async (): Promise<void> => {
        try {
          await store?.save(cursor);
          saved?.();
        } catch (error) {
          failed(error);
        }
        isSaving = false;
        saveNewest();
      };
      setTimeout(() => void save());
    });
  };
  return (...given) => {
    newest = given;
    if (store) saveNewest();
    else given[1]?.();
  };
}

/** `saved` is called for the newest one alone; without a store at once. */
type Save = (cursor: Cursor, saved?: () => void) => void;

/**
 * The live table of jobs: the present one at once, then one after every change. After a reset the next table replaces it. With `progress` it has the
 * newest figures too.
 *
 * ```ts
 * jobs(client, { sources: ['vm1'], progress: true }).subscribe(({ jobs }) => render([...jobs.values()]));
 * ```
 */
export function jobs(
  client: Client,
  filter: Pick<SubscribeFilter, 'sources' | 'jobs' | 'progress'> = {},
  options: StreamOptions = {},
): Observable<JobTable> {
  return stream(client, filter, options, (subscriber) => {
    let table: JobTable | undefined;
    const show = (next: JobTable): void => {
      table = next;
      subscriber.next(next);
    };
    return {
      snapshot: (cut) => show(tableOf(cut)),
      events: (entries, cursor) => {
        if (table) show(foldEvents(table, entries, cursor));
      },
      progress: (rows) => {
        if (table) show(foldProgress(table, rows, new Date().toISOString()));
      },
    };
  });
}

/**
 * Figures of active jobs, of each job at most once in `intervalMs` (default 1,000), which is rounded up as `progress` is. Merged: only the newest
 * count. Nothing is sent while no job is active.
 */
export function progress(
  client: Client,
  filter: Omit<Filter, 'types'> & { intervalMs?: number } = {},
  options: StreamOptions = {},
): Observable<readonly Progress[]> {
  const { intervalMs = 1_000, ...rest } = filter;
  return stream(client, { ...rest, progress: intervalMs }, options, (subscriber) => ({
    progress: (rows) => subscriber.next(rows),
  }));
}

/** The present state, then every change; completes after `closed`. */
export function state(client: Client, options: StreamOptions = {}): Observable<ClientState> {
  return new Observable((subscriber) => {
    const show = (current: ClientState): void => {
      subscriber.next(current);
      if (current.phase === 'closed') subscriber.complete();
    };
    show(client.state);
    if (subscriber.closed) return;
    subscriber.add(client.onState(show));
    completeOn(options.signal, subscriber);
  });
}

/** Observer callbacks as a cold stream: each subscriber has its own subscription on the wire, which ends with it. */
function stream<Value>(
  client: Client,
  filter: SubscribeFilter,
  { signal }: StreamOptions,
  observe: (subscriber: Subscriber<Value>) => Observer,
): Observable<Value> {
  return new Observable((subscriber) => {
    completeOn(signal, subscriber);
    if (subscriber.closed) return;
    const end: Observer = {
      error: (error) => subscriber.error(error),
      complete: () => subscriber.complete(),
    };
    const subscription = client.subscribe(filter, { ...observe(subscriber), ...end });
    subscriber.add(() => subscription.unsubscribe());
  });
}

function completeOn(signal: AbortSignal | undefined, subscriber: Subscriber<unknown>): void {
  if (!signal) return;
  const complete = (): void => subscriber.complete();
  if (signal.aborted) complete();
  signal.addEventListener('abort', complete);
  subscriber.add(() => signal.removeEventListener('abort', complete));
}
