import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientError } from '../../src/client/errors.js';
import {
  beginSubscription,
  idOf,
  isRequested,
  reduceSubscription,
  type SubscriptionEffect,
  type SubscriptionInput,
  type SubscriptionState,
} from '../../src/client/subscription-state.js';
import type { Notifications, Subscribed } from '../../src/protocol/methods.js';
import { cursor, resumed, status, subscribed } from './support/fixtures.js';

const CUT = { cursor: cursor(50), jobs: [], settled: [], sources: [] };
const IDLE = { kind: 'idle' } as const;
const REQUESTED = { kind: 'requested' } as const;
const PAGING = { kind: 'paging', id: 's1', cut: CUT, reason: 'retention' } as const;

const STATES: Record<string, SubscriptionState> = {
  'awaiting, idle': { name: 'awaitingSnapshot', attempt: IDLE, reason: 'initial' },
  'awaiting, requested': { name: 'awaitingSnapshot', attempt: REQUESTED, reason: 'initial' },
  'awaiting, paging': { name: 'awaitingSnapshot', attempt: { ...PAGING, reason: 'initial' }, reason: 'initial' },
  'behind, idle': { name: 'behind', attempt: IDLE, cursor: cursor(10) },
  'behind, requested': { name: 'behind', attempt: REQUESTED, cursor: cursor(10) },
  'behind, paging': { name: 'behind', attempt: PAGING, cursor: cursor(10) },
  live: { name: 'live', id: 's1', cursor: cursor(10) },
  'closed, requested': { name: 'closed', isRequested: true },
  closed: { name: 'closed', isRequested: false },
};

const notify = <Name extends keyof Notifications>(method: Name, params: Notifications[Name]): SubscriptionInput =>
  ({ kind: 'notified', message: { jsonrpc: '2.0', method, params } }) as SubscriptionInput;
const reset = (more: object = {}): SubscriptionInput =>
  notify('reset', { subscription: 's1', reason: 'retention', ...CUT, ...more });
const { jobs: _jobs, settled: _settled, ...bare } = subscribed(50);
const answer = (reply: Subscribed): SubscriptionInput => ({ kind: 'answered', reply });
const later = clientError('QUEUE_FULL', '');
const limited = Object.assign(clientError('QUEUE_FULL', ''), { reason: 'RATE_LIMITED', data: { retryAfterMs: 7 } });

const INPUTS: Record<string, SubscriptionInput> = {
  ready: { kind: 'ready' },
  lost: { kind: 'lost' },
  'answered: a snapshot': answer(subscribed(50)),
  'answered: a snapshot of another log': answer(subscribed(0, { cursor: cursor(50, 'new') })),
  'answered: pages': answer({ ...bare, pages: 2 }),
  'answered: resumed': answer(resumed(10)),
  'answered: no snapshot': answer(bare),
  'answered: no snapshot, another log': answer({ ...bare, cursor: cursor(50, 'new') }),
  refused: { kind: 'refused', error: later },
  'refused for now': { kind: 'refused', error: limited },
  events: notify('events', { subscription: 's1', cursor: cursor(12), events: [status(10, 'x'), status(12, 'y')] }),
  'old events': notify('events', { subscription: 's1', cursor: cursor(9), events: [status(9, 'x')] }),
  'events of another log': notify('events', { subscription: 's1', cursor: cursor(3, 'new'), events: [] }),
  bookmark: notify('bookmark', { cursor: cursor(30), time: '' }),
  'bookmark of another log': notify('bookmark', { cursor: cursor(30, 'new'), time: '' }),
  progress: notify('progress', { subscription: 's1', jobs: [] }),
  'a page': notify('snapshot', { subscription: 's1', page: 1, last: false, cursor: cursor(50), jobs: [] }),
  'the last page': notify('snapshot', { subscription: 's1', page: 2, last: true, cursor: cursor(50), jobs: [] }),
  reset: reset(),
  'reset in pages': reset({ pages: 2 }),
  'reset by grants, with next': reset({ reason: 'grants', next: 's2' }),
  'reset by grants, with next, in pages': reset({ reason: 'grants', next: 's2', pages: 2 }),
  'reset by grants alone': reset({ reason: 'grants' }),
  bye: notify('bye', { code: 1012, reason: '', retryAfterMs: 0 }),
  unsubscribed: { kind: 'unsubscribed' },
  'ended by the application': { kind: 'ended', error: undefined },
  'ended by an error': { kind: 'ended', error: later },
};

/** A state on one line. */
function nameOf(state: SubscriptionState): string {
  switch (state.name) {
    case 'closed':
      return state.isRequested ? 'closed, requested' : 'closed';
    case 'live':
      return `live ${state.id} ${state.cursor}`;
    case 'behind':
      return `behind ${state.cursor}, ${attemptOf(state)}`;
    case 'awaitingSnapshot':
      return `awaiting ${state.reason}${state.missedAfter ? ` ${state.missedAfter}` : ''}, ${attemptOf(state)}`;
  }
}
const attemptOf = ({ attempt }: Extract<SubscriptionState, { attempt: unknown }>): string =>
  attempt.kind === 'paging' ? `paging ${attempt.id} ${attempt.reason} ${attempt.cut.cursor}` : attempt.kind;

/** An effect on one line. */
function lineOf(effect: SubscriptionEffect): string {
  switch (effect.kind) {
    case 'subscribe':
      return `subscribe${effect.after ? ` after ${effect.after}` : ''}${effect.last ? ` last ${effect.last}` : ''}${effect.from ? ` from ${effect.from}` : ''}`;
    case 'unsubscribe':
      return `unsubscribe ${effect.id}`;
    case 'retry':
      return `retry ${effect.ms}`;
    case 'gap':
      return `gap ${effect.args[0].reason} ${effect.args[0].after} ${effect.args[0].cursor}`;
    case 'snapshot':
      return `snapshot ${effect.args[0].reason} ${effect.args[0].cursor}`;
    case 'events':
      return `events ${effect.args[0].map(({ offset }) => offset).join()} to ${effect.args[1]}`;
    default:
      return effect.kind;
  }
}

/** What each input makes of each state: the next one, or `same`, then the effects. An input that is not named changes nothing. */
const TABLE: [string, Record<string, string>][] = [
  [
    'awaiting, idle',
    {
      ready: 'awaiting initial, requested; subscribe',
      unsubscribed: 'closed',
      'ended by the application': 'closed; complete',
      'ended by an error': 'closed; error',
    },
  ],
  [
    'awaiting, requested',
    {
      lost: 'awaiting initial, idle',
      'answered: a snapshot': 'live s1 k3f9:50; snapshot initial k3f9:50',
      'answered: a snapshot of another log': 'live s1 new:50; snapshot initial new:50',
      'answered: pages': 'awaiting initial, paging s1 initial k3f9:50',
      'answered: resumed': 'live s1 k3f9:10',
      'answered: no snapshot': 'live s1 k3f9:50',
      'answered: no snapshot, another log': 'live s1 new:50',
      refused: 'closed; error',
      'refused for now': 'awaiting initial, idle; retry 7',
      unsubscribed: 'closed, requested',
      'ended by the application': 'closed; complete',
      'ended by an error': 'closed; error',
    },
  ],
  [
    'awaiting, paging',
    {
      lost: 'awaiting initial, idle',
      'the last page': 'live s1 k3f9:50; snapshot initial k3f9:50',
      reset: 'live s1 k3f9:50; snapshot initial k3f9:50',
      'reset by grants, with next': 'live s2 k3f9:50; snapshot initial k3f9:50',
      'reset by grants, with next, in pages': 'awaiting initial, paging s2 initial k3f9:50',
      'reset by grants alone': 'awaiting initial, requested; subscribe',
      unsubscribed: 'closed; unsubscribe s1',
      'ended by the application': 'closed; complete',
      'ended by an error': 'closed; error',
    },
  ],
  [
    'behind, idle',
    {
      ready: 'behind k3f9:10, requested; subscribe after k3f9:10',
      unsubscribed: 'closed',
      'ended by the application': 'closed; complete',
      'ended by an error': 'closed; error',
    },
  ],
  [
    'behind, requested',
    {
      lost: 'behind k3f9:10, idle',
      'answered: a snapshot': 'live s1 k3f9:50; gap retention k3f9:10 k3f9:50; snapshot retention k3f9:50',
      'answered: a snapshot of another log': 'live s1 new:50; gap epoch k3f9:10 new:50; snapshot epoch new:50',
      'answered: pages': 'behind k3f9:10, paging s1 retention k3f9:50',
      'answered: resumed': 'live s1 k3f9:10',
      'answered: no snapshot': 'live s1 k3f9:50; gap retention k3f9:10 k3f9:50',
      'answered: no snapshot, another log': 'behind new:0, requested; gap epoch k3f9:10 new:0; subscribe after new:0',
      refused: 'closed; error',
      'refused for now': 'behind k3f9:10, idle; retry 7',
      unsubscribed: 'closed, requested',
      'ended by the application': 'closed; complete',
      'ended by an error': 'closed; error',
    },
  ],
  [
    'behind, paging',
    {
      lost: 'behind k3f9:10, idle',
      'the last page': 'live s1 k3f9:50; gap retention k3f9:10 k3f9:50; snapshot retention k3f9:50',
      reset: 'live s1 k3f9:50; gap retention k3f9:10 k3f9:50; snapshot retention k3f9:50',
      'reset by grants, with next': 'live s2 k3f9:50; gap grants k3f9:10 k3f9:50; snapshot grants k3f9:50',
      'reset by grants, with next, in pages': 'behind k3f9:10, paging s2 grants k3f9:50',
      'reset by grants alone': 'awaiting grants k3f9:10, requested; subscribe',
      unsubscribed: 'closed; unsubscribe s1',
      'ended by the application': 'closed; complete',
      'ended by an error': 'closed; error',
    },
  ],
  [
    'live',
    {
      lost: 'behind k3f9:10, idle',
      events: 'live s1 k3f9:12; events 12 to k3f9:12',
      'events of another log': 'behind k3f9:10, requested; subscribe after k3f9:10',
      bookmark: 'live s1 k3f9:30',
      progress: 'same; progress',
      reset: 'live s1 k3f9:50; gap retention k3f9:10 k3f9:50; snapshot retention k3f9:50',
      'reset in pages': 'behind k3f9:10, paging s1 retention k3f9:50',
      'reset by grants, with next': 'live s2 k3f9:50; gap grants k3f9:10 k3f9:50; snapshot grants k3f9:50',
      'reset by grants, with next, in pages': 'behind k3f9:10, paging s2 grants k3f9:50',
      'reset by grants alone': 'awaiting grants k3f9:10, requested; subscribe',
      unsubscribed: 'closed; unsubscribe s1',
      'ended by the application': 'closed; complete',
      'ended by an error': 'closed; error',
    },
  ],
  [
    'closed, requested',
    {
      lost: 'closed',
      'answered: a snapshot': 'closed; unsubscribe s1',
      'answered: a snapshot of another log': 'closed; unsubscribe s1',
      'answered: pages': 'closed; unsubscribe s1',
      'answered: resumed': 'closed; unsubscribe s1',
      'answered: no snapshot': 'closed; unsubscribe s1',
      'answered: no snapshot, another log': 'closed; unsubscribe s1',
      refused: 'closed',
      'refused for now': 'closed',
      'ended by the application': 'closed',
      'ended by an error': 'closed',
    },
  ],
  ['closed', {}],
];

describe('a subscription as a state machine', () => {
  it('has a line in the table for every state', () => {
    expect(TABLE.map(([from]) => from)).toEqual(Object.keys(STATES));
  });

  it.each(TABLE)('%s: every input', (from, expected) => {
    const state = STATES[from] as SubscriptionState;
    const found: Record<string, string> = {};
    for (const [name, input] of Object.entries(INPUTS)) {
      const [next, ...effects] = reduceSubscription(state, input);
      const isSame = nameOf(next) === nameOf(state);
      if (!isSame || effects.length > 0)
        found[name] = [isSame ? 'same' : nameOf(next), ...effects.map(lineOf)].join('; ');
    }
    expect(found).toEqual(expected);
  });

  it('begins with a snapshot, after a position, or so many entries back, the latter only at first', () => {
    const subscribe = (from: Parameters<typeof beginSubscription>[0]) =>
      reduceSubscription(beginSubscription(from), { kind: 'ready' });
    expect(
      [subscribe({}), subscribe({ after: cursor(3) }), subscribe({ last: 9 }), subscribe({ from: 'then' })].map(
        ([, effect]) => effect && lineOf(effect),
      ),
    ).toEqual(['subscribe', 'subscribe after k3f9:3', 'subscribe last 9', 'subscribe from then']);
    const [live] = reduceSubscription(subscribe({ last: 9 })[0], answer(bare));
    const [lost] = reduceSubscription(live, { kind: 'lost' });
    expect(reduceSubscription(lost, { kind: 'ready' }).slice(1)).toEqual([{ kind: 'subscribe', after: cursor(50) }]);
  });

  it('collects the pages of a snapshot', () => {
    const row = (run: string) => ({ ...subscribed(0).jobs?.[0], run }) as never;
    let [state] = reduceSubscription(STATES['awaiting, requested'] as SubscriptionState, answer({ ...bare, pages: 2 }));
    const page = { subscription: 's1', cursor: cursor(50), jobs: [row('a')] };
    [state] = reduceSubscription(state, notify('snapshot', { ...page, page: 1, last: false }));
    const [, effect] = reduceSubscription(
      state,
      notify('snapshot', { ...page, page: 2, last: true, jobs: [row('b')] }),
    );
    expect(effect).toMatchObject({ kind: 'snapshot', args: [{ jobs: [{ run: 'a' }, { run: 'b' }] }] });
  });
});

/** A gateway with a log of numbers, which forgets, restarts, cuts the connection and resets as the test says; and its observer. */
class World {
  state: SubscriptionState = beginSubscription({});
  /** The position up to which the observer has everything, by its callbacks. */
  heard: string | undefined;
  #epoch = 1;
  #head = 0;
  #lost = 0;
  #isUp = false;
  /** Up to where the subscription has been sent all, and its id. */
  #sent: number | undefined;
  #id = 1;
  #asked: Extract<SubscriptionEffect, { kind: 'subscribe' }> | undefined;
  readonly #snapshots: boolean;

  constructor(snapshots: boolean) {
    this.#snapshots = snapshots;
  }

  #at(offset: number): string {
    return cursor(offset, `e${this.#epoch}`);
  }
  get #name(): string {
    return `s${this.#id}`;
  }
  #cut() {
    return { cursor: this.#at(this.#head), jobs: [], settled: [], sources: [] };
  }

  give(input: SubscriptionInput): void {
    const [state, ...effects] = reduceSubscription(this.state, input);
    this.state = state;
    for (const effect of effects) this.#carryOut(effect);
    if (state.name === 'live') expect(state.cursor).toBe(this.heard ?? state.cursor);
  }

  #carryOut(effect: SubscriptionEffect): void {
    if (effect.kind === 'subscribe') this.#asked = effect;
    if (effect.kind === 'gap') {
      expect(effect.args[0].after).toBe(this.heard);
      this.heard = effect.args[0].cursor;
    }
    if (effect.kind === 'snapshot') {
      // Without a gap before it, it may only be the first.
      expect(this.heard ?? effect.args[0].cursor).toBe(effect.args[0].cursor);
      this.heard = effect.args[0].cursor;
    }
    if (effect.kind !== 'events') return;
    for (const { offset } of effect.args[0]) {
      expect(this.#at(offset - 1), 'the one after the last that was heard').toBe(this.heard);
      this.heard = this.#at(offset);
    }
    this.heard = effect.args[1];
  }

  happen(what: string): void {
    const isSubscribed = this.#isUp && this.#sent !== undefined && this.#asked === undefined;
    switch (what) {
      case 'up':
        if (this.#isUp) return;
        this.#isUp = true;
        return this.give({ kind: 'ready' });
      case 'cut':
      case 'restart':
        if (what === 'restart') [this.#epoch, this.#head, this.#lost] = [this.#epoch + 1, 0, 0];
        [this.#isUp, this.#sent, this.#asked] = [false, undefined, undefined];
        return this.give({ kind: 'lost' });
      case 'emit':
        this.#head += 1;
        return;
      case 'forget':
        this.#lost = this.#head;
        return;
      case 'answer':
        return this.#answer();
      case 'deliver':
        if (!isSubscribed || (this.#sent ?? 0) >= this.#head) return;
        return this.#deliver(this.#sent ?? 0);
      case 'again':
        // What a gateway that repeats would send.
        return isSubscribed ? this.#deliver(Math.max(0, (this.#sent ?? 0) - 2)) : undefined;
      case 'bookmark':
        if (isSubscribed && this.#sent === this.#head)
          this.give(notify('bookmark', { cursor: this.#at(this.#head), time: '' }));
        return;
      default: {
        if (!isSubscribed) return;
        const subscription = this.#name;
        if (what === 'grants') this.#id += 1;
        this.#sent = this.#head;
        const more =
          what === 'grants' ? { reason: 'grants' as const, next: this.#name } : { reason: 'retention' as const };
        this.give(notify('reset', { subscription, ...more, ...this.#cut() }));
      }
    }
  }

  #deliver(from: number): void {
    const events = Array.from({ length: this.#head - from }, (_, n) => status(from + n + 1, 'running'));
    this.#sent = this.#head;
    this.give(notify('events', { subscription: this.#name, cursor: this.#at(this.#head), events }));
  }

  #answer(): void {
    if (!this.#asked) return;
    const { after } = this.#asked;
    this.#asked = undefined;
    const [epoch = '', offset = '0'] = after?.split(':') ?? [];
    const isResumed = epoch === `e${this.#epoch}` && Number(offset) >= this.#lost && Number(offset) <= this.#head;
    const { jobs, settled, ...cut } = this.#cut();
    this.#sent = isResumed ? Number(offset) : this.#head;
    const head = {
      subscription: this.#name,
      resumed: isResumed,
      ...cut,
      cursor: isResumed ? (after ?? '') : cut.cursor,
    };
    const first = !this.#snapshots && after === undefined;
    if (first) this.heard = head.cursor;
    this.give(answer(isResumed || !this.#snapshots ? head : { ...head, jobs, settled }));
  }

  /** Until nothing is left to do. */
  settle(): void {
    this.happen('up');
    while (this.#asked) this.happen('answer');
    this.happen('deliver');
    expect(this.heard).toBe(this.#at(this.#head));
    expect([this.state.name, idOf(this.state), isRequested(this.state)]).toEqual(['live', this.#name, false]);
  }
}

it('whatever happens: each event once and in order, or a gap that says what was missed', () => {
  const what = fc.constantFrom(
    ...[
      'up',
      'cut',
      'restart',
      'emit',
      'emit',
      'forget',
      'answer',
      'answer',
      'deliver',
      'again',
      'bookmark',
      'reset',
      'grants',
    ],
  );
  fc.assert(
    fc.property(fc.array(what, { maxLength: 60 }), fc.boolean(), (happenings, snapshots) => {
      const world = new World(snapshots);
      for (const each of happenings) world.happen(each);
      world.settle();
    }),
    { numRuns: 2_000 },
  );
});
