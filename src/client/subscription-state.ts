// One subscription from beginning to end as a pure function: (state, input) -> (state, effects). It gets only its own frames. By the cursor in its
// state no event is lost or delivered twice.
import { beginningOf, compareCursors, entriesAfter } from '../protocol/cursor.js';
import type { Cut } from '../protocol/job-table.js';
import type { Notification, Notifications, Subscribed } from '../protocol/methods.js';
import type { Cursor } from '../protocol/types.js';
import type { GatewayError } from './errors.js';
import type { Observer, SnapshotReason } from './observer.js';

/** How far a subscription that is not live has got on this connection. */
export type Attempt =
  /** Not requested: there is no connection, or the gateway asked for a delay. */
  | { kind: 'idle' }
  | { kind: 'requested' }
  /** Subscribed as `id`; the snapshot comes in pages, and `cut` has those received so far. */
  | { kind: 'paging'; id: string; cut: Cut; reason: SnapshotReason };

/** So many entries back, or at a time. */
export interface Back {
  last?: number;
  from?: string;
}

export type SubscriptionState =
  /**
   * The observer has nothing yet, or what it had is void; in that case nothing was missing up to `missedAfter`. `back`: begin so many entries back, or
   * at a time.
   */
  | { name: 'awaitingSnapshot'; attempt: Attempt; reason: SnapshotReason; missedAfter?: Cursor; back?: Back }
  /** The observer has everything up to `cursor`; the next request continues from there. */
  | { name: 'behind'; attempt: Attempt; cursor: Cursor }
  /** Subscribed as `id`; the observer has everything up to `cursor`. */
  | { name: 'live'; id: string; cursor: Cursor }
  /** The observer is called no more. `isRequested`: an answer may still bring a subscription, which must then be ended. */
  | { name: 'closed'; isRequested: boolean };

export type SubscriptionInput =
  /** The connection is ready, or the delay of `retry` has passed. */
  | { kind: 'ready' }
  | { kind: 'lost' }
  | { kind: 'answered'; reply: Subscribed }
  | { kind: 'refused'; error: GatewayError }
  | { kind: 'notified'; message: Notification }
  | { kind: 'unsubscribed' }
  /** Ended for good: the application closed the client, or `error` says why. */
  | { kind: 'ended'; error: GatewayError | undefined };

export type SubscriptionEffect =
  /** Send `subscribe`. */
  | ({ kind: 'subscribe' } & Beginning)
  /** Send `unsubscribe`. */
  | { kind: 'unsubscribe'; id: string }
  /** Give the input `ready` after so many milliseconds. */
  | { kind: 'retry'; ms: number }
  | Delivery;

/** A call of the observer. */
export type Delivery = {
  [Name in keyof Observer]-?: { kind: Name; args: Parameters<NonNullable<Observer[Name]>> };
}[keyof Observer];

/** The next state, and the effects to carry out, in order. */
export type SubscriptionStep = readonly [SubscriptionState, ...SubscriptionEffect[]];

type Open = Exclude<SubscriptionState, { name: 'closed' }>;
type Pending = Exclude<Open, { name: 'live' }>;
type Live = Extract<Open, { name: 'live' }>;

/** The delay where RATE_LIMITED gives none. */
const RETRY_MS = 1_000;
const IDLE = { kind: 'idle' } as const;

/** Where it begins: at a position, so many entries back, or at a time; without any, with a snapshot. */
export interface Beginning extends Back {
  after?: Cursor;
}

export function beginSubscription({ after, last, from }: Beginning): SubscriptionState {
  if (after !== undefined) return { name: 'behind', attempt: IDLE, cursor: after };
  const state = { name: 'awaitingSnapshot', attempt: IDLE, reason: 'initial' } as const;
  if (last !== undefined) return { ...state, back: { last } };
  return from === undefined ? state : { ...state, back: { from } };
}

/** Its name on the wire, where it has one. */
export function idOf(state: SubscriptionState): string | undefined {
  if (state.name === 'live') return state.id;
  return state.name !== 'closed' && state.attempt.kind === 'paging' ? state.attempt.id : undefined;
}

/** Whether an answer to `subscribe` is awaited. */
export function isRequested(state: SubscriptionState): boolean {
  return state.name === 'closed' ? state.isRequested : state.name !== 'live' && state.attempt.kind === 'requested';
}

export function reduceSubscription(state: SubscriptionState, input: SubscriptionInput): SubscriptionStep {
  if (state.name === 'closed') return reduceClosed(state, input);
  switch (input.kind) {
    case 'ready':
      return state.name !== 'live' && state.attempt.kind === 'idle' ? subscribe(state) : [state];
    case 'lost':
      return [pending(state, IDLE)];
    case 'answered':
      return state.name !== 'live' && isRequested(state) ? answered(state, input.reply) : [state];
    case 'refused':
      return isRequested(state) ? refused(state, input.error) : [state];
    case 'notified':
      return notified(state, input.message);
    case 'unsubscribed':
      return [{ name: 'closed', isRequested: isRequested(state) }, ...unsubscribe(idOf(state))];
    case 'ended':
      return [CLOSED, input.error ? { kind: 'error', args: [input.error] } : { kind: 'complete', args: [] }];
  }
}

const CLOSED = { name: 'closed', isRequested: false } as const;

/** The observer has ended, but the answer to `subscribe` may still bring a subscription. */
function reduceClosed(state: SubscriptionState, input: SubscriptionInput): SubscriptionStep {
  if (!isRequested(state)) return [state];
  if (input.kind === 'answered') return [CLOSED, ...unsubscribe(input.reply.subscription)];
  return [input.kind === 'lost' || input.kind === 'refused' || input.kind === 'ended' ? CLOSED : state];
}

function answered(state: Pending, reply: Subscribed): SubscriptionStep {
  const { subscription: id, cursor, resumed, sources, jobs, settled = [], pages, truncated } = reply;
  if (state.name === 'behind' && resumed) return [{ name: 'live', id, cursor: state.cursor }];
  // If the answer does not resume, its cursor says why.
  const isOther = state.name === 'behind' && compareCursors(cursor, state.cursor) === undefined;
  const reason = state.name === 'awaitingSnapshot' ? state.reason : isOther ? 'epoch' : 'retention';
  if (jobs || pages) return replace(state, id, { cursor, jobs: jobs ?? [], settled, sources }, reason, pages);
  // A new log may hold events from its beginning to this connection. A snapshot would include them; where none is wanted they are requested.
  const cut: SubscriptionEffect[] = truncated ? [{ kind: 'truncated', args: [] }] : [];
  if (!isOther) return [{ name: 'live', id, cursor }, ...gap(state, reason, cursor), ...cut];
  const from = beginningOf(cursor);
  const [next, ...effects] = subscribe({ name: 'behind', attempt: IDLE, cursor: from });
  return [next, ...gap(state, reason, from), ...effects];
}

function refused(state: Open, error: GatewayError): SubscriptionStep {
  if (error.reason !== 'RATE_LIMITED') return [CLOSED, { kind: 'error', args: [error] }];
  const { retryAfterMs: ms } = error.data;
  return [pending(state, IDLE), { kind: 'retry', ms: typeof ms === 'number' ? ms : RETRY_MS }];
}

function notified(state: Open, message: Notification): SubscriptionStep {
  if (message.method === 'reset') return reset(state, message.params);
  if (state.name !== 'live') return message.method === 'snapshot' ? page(state, message.params) : [state];
  switch (message.method) {
    case 'events':
      return events(state, message.params);
    case 'bookmark':
      return [advance(state, message.params.cursor)];
    case 'progress':
      return [state, { kind: 'progress', args: [message.params.jobs] }];
    default: // `bye` concerns the connection; other methods are those of a later gateway.
      return [state];
  }
}

function events(state: Live, { events: all, cursor }: Notifications['events']): SubscriptionStep {
  // Events of another log without a reset: a new request from the known position gets the answer that explains it.
  if (compareCursors(cursor, state.cursor) === undefined) return subscribe(pending(state, IDLE));
  const fresh = entriesAfter(all, state.cursor);
  const next = advance(state, cursor);
  return fresh.length > 0 ? [next, { kind: 'events', args: [fresh, next.cursor] }] : [next];
}

function advance(state: Live, cursor: Cursor): Live {
  return (compareCursors(cursor, state.cursor) ?? 0) > 0 ? { ...state, cursor } : state;
}

function page(state: Pending, { jobs, settled = [], last }: Notifications['snapshot']): SubscriptionStep {
  const { attempt } = state;
  if (attempt.kind !== 'paging') return [state];
  const { id, reason } = attempt;
  const cut = { ...attempt.cut, jobs: [...attempt.cut.jobs, ...jobs], settled: [...attempt.cut.settled, ...settled] };
  return last ? replace(state, id, cut, reason) : [{ ...state, attempt: { ...attempt, cut } }];
}

/** With `grants` and `next` the subscription continues under that id; with `grants` alone it has ended on the wire. */
function reset(state: Open, params: Notifications['reset'] & { next?: string }): SubscriptionStep {
  const before = idOf(state);
  const { reason, next = before, cursor, jobs, settled, sources, pages } = params;
  if (before === undefined || next === undefined) return [state];
  // An observer that has nothing yet has missed nothing.
  const why = state.name === 'awaitingSnapshot' ? state.reason : reason;
  if (reason === 'grants' && next === before) {
    const missedAfter = positionOf(state);
    const anew = { name: 'awaitingSnapshot', attempt: IDLE, reason: why } as const;
    return subscribe(missedAfter === undefined ? anew : { ...anew, missedAfter });
  }
  return replace(state, next, { cursor, jobs, settled, sources }, why, pages);
}

/** A snapshot replaces what the observer has: at once, or when all of its pages have come. */
function replace(state: Open, id: string, cut: Cut, reason: SnapshotReason, pages?: number): SubscriptionStep {
  if (pages) return [pending(state, { kind: 'paging', id, cut, reason })];
  const { cursor } = cut;
  return [
    { name: 'live', id, cursor },
    ...gap(state, reason, cursor),
    { kind: 'snapshot', args: [{ ...cut, reason }] },
  ];
}

function gap(state: Open, reason: SnapshotReason, cursor: Cursor): SubscriptionEffect[] {
  const after = positionOf(state);
  return reason === 'initial' || after === undefined ? [] : [{ kind: 'gap', args: [{ reason, after, cursor }] }];
}

/** The position up to which the observer has missed nothing. */
function positionOf(state: Open): Cursor | undefined {
  return state.name === 'awaitingSnapshot' ? state.missedAfter : state.cursor;
}

function pending(state: Open, attempt: Attempt): Pending {
  return state.name === 'live' ? { name: 'behind', attempt, cursor: state.cursor } : { ...state, attempt };
}

function subscribe(state: Pending): SubscriptionStep {
  const from = state.name === 'behind' ? { after: state.cursor } : state.back;
  return [pending(state, { kind: 'requested' }), { kind: 'subscribe', ...from }];
}

function unsubscribe(id: string | undefined): SubscriptionEffect[] {
  return id === undefined ? [] : [{ kind: 'unsubscribe', id }];
}
