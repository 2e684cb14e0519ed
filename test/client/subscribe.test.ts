import { describe, expect, it, vi } from 'vitest';
import type { SubscribeFilter } from '../../src/client/observer.js';
import { cursor, JOB, resumed, SOURCE, status, subscribed } from './support/fixtures.js';
import { listen, start } from './support/start.js';
import type { FarSocket } from './support/wire.js';

const push = (to: FarSocket, at: number[], subscription = 's1', examined = at.at(-1) ?? 0) =>
  to.notify('events', {
    subscription,
    cursor: cursor(examined),
    events: at.map((offset) => status(offset, 'running')),
  });

/** A client with one live observer whose snapshot is at 10. */
async function live(filter: SubscribeFilter = {}) {
  const all = start();
  const first = listen();
  const handle = all.client.subscribe(filter, first.observer);
  const socket = await all.open();
  socket.answer('subscribe', subscribed(10));
  await all.clock.advance(0);
  return { ...all, ...first, handle, socket };
}

describe('a subscription', () => {
  it('delivers the snapshot, then each event once, in order', async () => {
    const { heard, handle, socket } = await live();
    push(socket, [9, 10, 11, 12]);
    push(socket, [12, 13], 's1', 20);
    push(socket, [], 's1', 30);
    expect(heard).toEqual(['snapshot initial k3f9:10', 'events 11,12 to k3f9:12', 'events 13 to k3f9:20']);
    expect(handle.cursor).toBe(cursor(30));
  });

  it('delivers events that come in the same turn as the reply', async () => {
    const { client, open } = start();
    const { observer, offsets } = listen();
    client.subscribe({}, observer);
    const socket = await open();
    socket.answer('subscribe', subscribed(10));
    push(socket, [11]);
    expect(offsets).toEqual([11]);
  });

  it('resumes from its cursor, and from bookmarks where nothing matched', async () => {
    const { heard, offsets, socket, open, far, clock } = await live();
    push(socket, [11]);
    socket.notify('bookmark', { cursor: cursor(90), time: '' });
    socket.drop(1006);
    const again = await open();
    expect(again.of('subscribe')[0]?.params).toEqual({ after: cursor(90), snapshot: true });
    // A bookmark that comes before the answer is not about this subscription.
    again.notify('bookmark', { cursor: cursor(99), time: '' });
    again.answer('subscribe', resumed(100));
    await clock.advance(0);
    push(again, [91, 92, 100]);
    expect(offsets).toEqual([11, 91, 92, 100]);
    expect(heard.filter((item) => String(item).startsWith('snapshot'))).toHaveLength(1);
    expect(far.sockets).toHaveLength(2);
  });

  it.each([
    ['retention', cursor(50)],
    ['epoch', cursor(50, 'new')],
  ])('says that continuity is lost: %s', async (reason, at) => {
    const { heard, socket, open, clock } = await live();
    socket.drop(1006);
    const again = await open();
    again.answer('subscribe', subscribed(0, { cursor: at }));
    await clock.advance(0);
    expect(heard.slice(1)).toEqual([`gap ${reason} k3f9:10 ${at}`, `snapshot ${reason} ${at}`]);
  });

  it('without a snapshot reads a new log from its beginning, after the gap', async () => {
    const { client, open, clock } = start();
    const { observer, heard } = listen();
    const { snapshot: _none, ...plain } = observer;
    client.subscribe({}, plain);
    const socket = await open();
    socket.answer('subscribe', subscribed(10));
    push(socket, [11]);
    socket.drop(1006);
    const again = await open();
    again.answer('subscribe', resumed(0, { cursor: cursor(7, 'new'), resumed: false }));
    await clock.advance(0);
    expect(again.of('subscribe').map(({ params }) => params.after)).toEqual([cursor(11), cursor(0, 'new')]);
    again.answer('subscribe', resumed(0, { cursor: cursor(7, 'new') }));
    await clock.advance(0);
    again.notify('events', { subscription: 's1', cursor: cursor(7, 'new'), events: [status(3, 'running')] });
    push(again, [4], 's1');
    expect(heard).toEqual(['events 11 to k3f9:11', 'gap epoch k3f9:11 new:0', 'events 3 to new:7']);
  });

  it('turns a reset into a gap and a snapshot, and goes on from there', async () => {
    const { heard, socket } = await live();
    const cut = { jobs: [JOB], settled: [], sources: [SOURCE] };
    socket.notify('reset', { subscription: 's1', reason: 'retention', cursor: cursor(70), ...cut });
    push(socket, [70, 71]);
    expect(heard.slice(1)).toEqual([
      'gap retention k3f9:10 k3f9:70',
      'snapshot retention k3f9:70',
      'events 71 to k3f9:71',
    ]);
  });

  it('goes on under another id when its grants have changed', async () => {
    const { heard, socket, clock } = await live();
    const cut = { jobs: [JOB], settled: [], sources: [SOURCE] };
    socket.notify('reset', { subscription: 's1', reason: 'grants', next: 's2', cursor: cursor(20), ...cut });
    push(socket, [21], 's1');
    push(socket, [22], 's2');
    await clock.advance(0);
    expect(socket.of('subscribe')).toHaveLength(1);
    expect(heard.slice(1)).toEqual(['gap grants k3f9:10 k3f9:20', 'snapshot grants k3f9:20', 'events 22 to k3f9:22']);
  });

  it('ends its subscription by the id that a change of grants gave it', async () => {
    const { handle, socket, clock } = await live();
    const cut = { jobs: [], settled: [], sources: [], pages: 1 };
    socket.notify('reset', { subscription: 's1', reason: 'grants', next: 's2', cursor: cursor(20), ...cut });
    socket.notify('snapshot', { subscription: 's2', page: 1, last: true, cursor: cursor(20), jobs: [], settled: [] });
    handle.unsubscribe();
    await clock.advance(0);
    expect(socket.of('unsubscribe').map(({ params }) => params.subscription)).toEqual(['s2']);
  });

  it('subscribes anew when its grants have changed and the server names no next id', async () => {
    const { heard, socket, clock } = await live();
    const nothing = { jobs: [], settled: [], sources: [] };
    socket.notify('reset', { subscription: 's1', reason: 'grants', cursor: cursor(20), ...nothing });
    await clock.advance(0);
    expect(socket.of('subscribe')).toHaveLength(2);
    expect(socket.of('subscribe')[1]?.params).not.toHaveProperty('after');
    socket.answer('subscribe', subscribed(21, { subscription: 's2' }));
    await clock.advance(0);
    push(socket, [22], 's2');
    expect(heard.slice(1)).toEqual(['gap grants k3f9:10 k3f9:21', 'snapshot grants k3f9:21', 'events 22 to k3f9:22']);
  });

  it('assembles a snapshot from its pages', async () => {
    const { client, open, clock } = start();
    const seen: string[][] = [];
    client.subscribe({}, { snapshot: ({ jobs }) => void seen.push(jobs.map(({ job }) => job)) });
    const socket = await open();
    const { jobs: _jobs, ...head } = subscribed(10, { pages: 2 });
    socket.answer('subscribe', head);
    await clock.advance(0);
    const page = { subscription: 's1', cursor: cursor(10) };
    socket.notify('snapshot', { ...page, page: 1, last: false, jobs: [{ ...JOB, job: 'a', run: cursor(2) }] });
    socket.notify('bookmark', { cursor: cursor(99), time: '' });
    expect(seen).toEqual([]);
    socket.notify('snapshot', { ...page, page: 2, last: true, jobs: [{ ...JOB, job: 'b', run: cursor(3) }] });
    expect(seen).toEqual([['a', 'b']]);
  });

  it('starts over when the connection is lost between two pages', async () => {
    const { socket, open, clock, heard } = await live();
    socket.drop(1006);
    const again = await open();
    again.answer('subscribe', subscribed(60, { pages: 2 }));
    await clock.advance(0);
    again.notify('snapshot', { subscription: 's1', cursor: cursor(60), page: 1, last: false, jobs: [] });
    again.drop(1006);
    const third = await open(1_000);
    expect(third.of('subscribe')[0]?.params).toMatchObject({ after: cursor(10) });
    expect(heard).toEqual(['snapshot initial k3f9:10']);
  });

  it('subscribes again on events of another log', async () => {
    const { socket, clock, heard } = await live();
    socket.notify('events', { subscription: 's1', cursor: cursor(3, 'new'), events: [status(3, 'running')] });
    await clock.advance(0);
    expect(socket.of('subscribe')[1]?.params).toMatchObject({ after: cursor(10) });
    expect(heard).toHaveLength(1);
  });

  it('begins after a stored cursor, without a snapshot', async () => {
    const { client, open, clock } = start();
    const { heard, observer } = listen();
    client.subscribe({ after: cursor(5) }, observer);
    const socket = await open();
    expect(socket.of('subscribe')[0]?.params).toEqual({ after: cursor(5), snapshot: true });
    socket.answer('subscribe', resumed(5));
    await clock.advance(0);
    push(socket, [6]);
    expect(heard).toEqual(['events 6 to k3f9:6']);
    expect(() => client.subscribe({ after: 'nonsense' }, observer)).toThrow(/cursor/);
  });

  it('ends with the error that refused it, and only it', async () => {
    const { client, socket, clock, heard } = await live();
    const other = listen();
    client.subscribe({ sources: ['secret'] }, other.observer);
    await clock.advance(0);
    socket.refuse('subscribe', { data: { reason: 'FORBIDDEN' } });
    await clock.advance(0);
    push(socket, [11]);
    expect(other.heard).toEqual(['error FORBIDDEN']);
    expect(heard).toHaveLength(2);
  });

  it('subscribes later when the server says so', async () => {
    const { client, clock, open } = start();
    client.subscribe({}, {});
    const socket = await open();
    socket.refuse('subscribe', { data: { reason: 'RATE_LIMITED', retryAfterMs: 2_000 } });
    await clock.advance(1_999);
    expect(socket.of('subscribe')).toHaveLength(1);
    await clock.advance(1);
    expect(socket.of('subscribe')).toHaveLength(2);
  });

  it('reports an observer that throws and goes on, with it and the others', async () => {
    const { client, clock, heard, socket } = await live();
    let seen = 0;
    const positions: string[] = [];
    client.subscribe(
      { jobs: ['x'] },
      {
        events: () => {
          seen += 1;
          throw new Error('mine');
        },
        position: (at) => void positions.push(at),
      },
    );
    await clock.advance(0);
    socket.answer('subscribe', subscribed(10, { subscription: 's2' }));
    for (const at of [11, 12]) for (const id of ['s2', 's1']) push(socket, [at], id);
    expect([clock.reported.length, seen]).toEqual([2, 2]);
    // What was not handled comes again after a restart.
    expect(positions).toEqual([cursor(10)]);
    expect(heard).toHaveLength(3);
  });

  it('that begins in the turn in which the client is closed ends as the others', async () => {
    const { client, clock } = start();
    const [one, two] = [listen(), listen()];
    client.subscribe({}, one.observer);
    client.onState(({ phase }) => phase === 'closed' && client.subscribe({}, two.observer));
    client.close();
    await clock.advance(0);
    expect([one.heard, two.heard]).toEqual([['complete'], ['complete']]);
  });

  it('leaves nothing at its signal when it has ended', async () => {
    const { client, open } = start();
    const signal = new AbortController().signal;
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    const handles = [1, 2].map(() => client.subscribe({}, {}, { signal }));
    await open();
    handles[0]?.unsubscribe();
    expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([2, 1]);
    client.close();
    const listeners = (calls: readonly unknown[][]): Set<unknown> => new Set(calls.map(([, listener]) => listener));
    expect(listeners(remove.mock.calls)).toEqual(listeners(add.mock.calls));
  });

  it('completes when the client is closed, and is silent after unsubscribe', async () => {
    const { client, clock, heard, socket, handle } = await live();
    const other = listen();
    const gone = client.subscribe({ jobs: ['x'] }, other.observer);
    await clock.advance(0);
    socket.answer('subscribe', subscribed(10, { subscription: 's2' }));
    gone.unsubscribe();
    gone.unsubscribe();
    expect(socket.of('unsubscribe').map(({ params }) => params)).toEqual([{ subscription: 's2' }]);
    push(socket, [11], 's2');
    client.close();
    handle.unsubscribe();
    expect(other.heard).toEqual(['snapshot initial k3f9:10']);
    expect(heard.at(-1)).toBe('complete');
  });

  it('hears nothing more where a callback unsubscribes it or closes the client', async () => {
    for (const end of ['unsubscribe', 'close'] as const) {
      const { client, clock, open } = start();
      const { heard, observer } = listen();
      const gap = () => (end === 'close' ? client.close() : handle.unsubscribe());
      const handle = client.subscribe({}, { ...observer, gap });
      const socket = await open();
      socket.answer('subscribe', subscribed(10));
      const cut = { jobs: [JOB], settled: [], sources: [SOURCE] };
      socket.notify('reset', { subscription: 's1', reason: 'retention', cursor: cursor(70), ...cut });
      await clock.advance(0);
      expect(heard).toEqual(['snapshot initial k3f9:10', ...(end === 'close' ? ['complete'] : [])]);
    }
  });

  it('goes on under another name where its grants have changed', async () => {
    const { heard, socket } = await live();
    const cut = { jobs: [JOB], settled: [], sources: [SOURCE] };
    const change = { subscription: 's1', reason: 'grants' as const, next: 's2', cursor: cursor(70), ...cut };
    socket.notify('reset', change);
    push(socket, [71], 's1');
    push(socket, [72], 's2');
    expect(heard.slice(1)).toEqual(['gap grants k3f9:10 k3f9:70', 'snapshot grants k3f9:70', 'events 72 to k3f9:72']);
    expect(socket.of('subscribe')).toHaveLength(1);
  });

  it('leaves no timer behind when the client is closed', async () => {
    const { client, clock, open } = start();
    client.subscribe({}, {});
    const socket = await open();
    socket.refuse('subscribe', { data: { reason: 'RATE_LIMITED', retryAfterMs: 60_000 } });
    client.close();
    expect(clock.pending).toBe(0);
  });
});

describe('equal filters', () => {
  const INFO = { version: 'x', epoch: 'k3f9', cursor: cursor(1), limits: {}, bookmarkMs: 15_000 };
  /** Subscribes to `filters`; the gateway names each by its filter. */
  async function subscribe(features: string[] | undefined, filters: SubscribeFilter[]) {
    const all = start();
    const observers = filters.map(() => listen());
    const handles = filters.map((filter, n) => all.client.subscribe(filter, observers[n]?.observer ?? {}));
    const socket = await all.open();
    const asked: unknown[] = [];
    /** Answers all requests. */
    const answer = async (to: FarSocket): Promise<void> => {
      await all.clock.advance(0);
      if (to.of('server.info').length > 0) to.answer('server.info', features ? { ...INFO, features } : INFO);
      for (const { params } of to.of('subscribe').splice(asked.length)) {
        asked.push(params);
        const { after: _after, last: _last, snapshot: _snapshot, ...name } = params;
        to.answer('subscribe', subscribed(10, { subscription: JSON.stringify(name) }), asked.length - 1);
      }
    };
    await answer(socket);
    return { ...all, observers, handles, socket, answer };
  }

  it('have a tag each, where the gateway supports tags; that is queried once', async () => {
    const { socket, observers } = await subscribe(
      ['tag'],
      [{ jobs: ['a', 'b'] }, { jobs: ['b', 'a', 'b'] }, { jobs: ['a', 'b'] }],
    );
    expect(socket.of('server.info')).toHaveLength(1);
    const names = socket.of('subscribe').map(({ params }) => params.tag);
    expect(names).toEqual([undefined, 1, 2]);
    push(socket, [11], JSON.stringify({ jobs: ['a', 'b'], tag: 1 }));
    expect(observers.map(({ offsets }) => offsets)).toEqual([[], [11], []]);
  });

  it('are distinguished by a type that no event has, where it does not', async () => {
    const { socket } = await subscribe(undefined, [{}, { sources: ['*'] }, {}, { types: ['A'] }, { types: ['A'] }]);
    const types = socket.of('subscribe').map(({ params }) => params.types);
    expect(types).toEqual([undefined, ['A'], ['?*', '=1'], ['?*', '=2'], ['A', '=1']]);
    expect(socket.of('subscribe').some(({ params }) => 'tag' in params)).toBe(false);
  });

  it('beyond the tags too', async () => {
    const { socket } = await subscribe(
      ['tag'],
      Array.from({ length: 10 }, () => ({})),
    );
    const names = socket.of('subscribe').map(({ params: { tag, types } }) => tag ?? types);
    expect(names).toEqual([undefined, 1, 2, 3, 4, 5, 6, 7, 8, ['?*', '=9']]);
  });

  it('of which one ends leave the others, and its tag to the next', async () => {
    const { client, socket, handles, answer } = await subscribe(['tag'], [{}, {}, {}]);
    handles[1]?.unsubscribe();
    expect(socket.of('unsubscribe').map(({ params }) => params)).toEqual([{ subscription: '{"tag":1}' }]);
    client.subscribe({}, {});
    await answer(socket);
    expect(socket.of('subscribe').at(-1)?.params.tag).toBe(1);
  });

  it('keep their tags over a lost connection, and query the features of the next gateway', async () => {
    const { socket, open, clock } = await subscribe(['tag'], [{}, {}]);
    socket.drop(1006);
    const again = await open();
    expect(again.of('subscribe').map(({ params }) => params.after)).toEqual([cursor(10)]);
    again.answer('server.info', INFO);
    await clock.advance(0);
    expect(again.of('subscribe')[1]?.params).toEqual({ after: cursor(10), snapshot: true, types: ['?*', '=1'] });
  });

  it('query the features again where that was refused at first', async () => {
    const { client, open, clock } = start();
    for (const filter of [{}, {}]) client.subscribe(filter, {});
    const socket = await open();
    socket.refuse('server.info', { data: { reason: 'RATE_LIMITED', retryAfterMs: 500 } });
    await clock.advance(1_000);
    expect(socket.of('server.info')).toHaveLength(2);
    socket.answer('server.info', { ...INFO, features: ['tag'] });
    await clock.advance(0);
    expect(socket.of('subscribe')[1]?.params).toEqual({ snapshot: false, tag: 1 });
  });

  it('that only the gateway takes for equal are both requested again, without loss', async () => {
    const { client, clock, socket, offsets, heard } = await live();
    const other = listen();
    client.subscribe({ sources: ['**'] }, other.observer);
    await clock.advance(0);
    socket.answer('subscribe', subscribed(15));
    await clock.advance(0);
    // The gateway has replaced the first one's subscription by the other's: what comes now is of neither.
    push(socket, [16]);
    expect(socket.of('subscribe')[2]?.params).toMatchObject({ after: cursor(10) });
    socket.answer('subscribe', resumed(16));
    socket.answer('server.info', { ...INFO, features: ['tag'] });
    await clock.advance(0);
    expect(socket.of('subscribe')[3]?.params).toEqual({ sources: ['**'], tag: 1, snapshot: true });
    socket.answer('subscribe', subscribed(17, { subscription: 's2' }));
    push(socket, [11, 16, 17]);
    push(socket, [18], 's2');
    expect([offsets, other.offsets]).toEqual([[11, 16, 17], [18]]);
    expect(heard.filter((item) => String(item).startsWith('gap'))).toEqual([]);
  });

  it('may differ in their progress', async () => {
    const { socket } = await subscribe(['tag'], [{ progress: 500 }, { progress: true }, {}]);
    expect(socket.of('subscribe').map(({ params }) => params)).toEqual([
      { snapshot: true, progress: 500 },
      { snapshot: true, progress: true, tag: 1 },
      { snapshot: true, tag: 2 },
    ]);
  });
});

describe.each([{ last: 20 }, { from: '2026-11-29T08:00:00Z' }])('%o', (back) => {
  const INFO = {
    version: 'x',
    epoch: 'k3f9',
    cursor: cursor(1),
    limits: {},
    bookmarkMs: 15_000,
    features: ['last', 'from'],
  };

  it('begins there, without a snapshot, and once', async () => {
    const { client, open, clock } = start();
    const { heard, observer } = listen();
    client.subscribe(back, observer);
    const socket = await open();
    expect(socket.of('subscribe')).toEqual([]);
    socket.answer('server.info', INFO);
    expect(socket.of('subscribe')[0]?.params).toEqual({ ...back, snapshot: false });
    socket.answer('subscribe', resumed(80, { resumed: false }));
    await clock.advance(0);
    push(socket, [81, 100]);
    socket.drop(1006);
    const again = await open();
    expect(again.of('subscribe')[0]?.params).toEqual({ after: cursor(100), snapshot: true });
    expect(heard).toEqual(['events 81,100 to k3f9:100']);
  });

  it('says where older entries are not there', async () => {
    const { client, open, clock } = start();
    const { heard, observer } = listen();
    client.subscribe(back, observer);
    const socket = await open();
    socket.answer('server.info', INFO);
    socket.answer('subscribe', resumed(80, { resumed: false, truncated: true }));
    await clock.advance(0);
    expect(heard).toEqual(['truncated']);
  });

  it('ends with an error of its own beside a gateway that does not know it', async () => {
    const { client, open, clock } = start();
    const { heard, observer } = listen();
    client.subscribe(back, observer);
    const socket = await open();
    const { features: _none, ...old } = INFO;
    socket.answer('server.info', old);
    await clock.advance(0);
    expect(heard).toEqual(['error NOT_SUPPORTED']);
    expect(socket.of('subscribe')).toEqual([]);
  });

  it('excludes a position', () => {
    const { client } = start();
    expect(() => client.subscribe({ ...back, after: cursor(1) }, {})).toThrow(
      expect.objectContaining({ reason: 'INVALID_OPTION' }),
    );
  });
});

it.each([{ source: ['vm1'] }, { sources: 'vm1' }, { progres: true }])(
  'refuses %j, which would match something else than was meant',
  (filter) => {
    const { client } = start();
    expect(() => client.subscribe(filter as SubscribeFilter, {})).toThrow(
      expect.objectContaining({
        reason: 'INVALID_OPTION',
        message: expect.stringContaining(Object.keys(filter)[0] ?? ''),
      }),
    );
  },
);

it('unsubscribes on the wire even if the answer was still on its way', async () => {
  const { client, clock, open } = start();
  const handle = client.subscribe({}, {});
  const socket = await open();
  handle.unsubscribe();
  expect(socket.of('unsubscribe')).toEqual([]);
  socket.answer('subscribe', subscribed(1));
  await clock.advance(0);
  expect(socket.of('unsubscribe')).toHaveLength(1);
});

it('ends by an AbortSignal', async () => {
  const { client, clock, open } = start();
  const controller = new AbortController();
  client.subscribe({}, {}, { signal: controller.signal });
  client.subscribe({ jobs: ['x'] }, {}, { signal: AbortSignal.abort() });
  const socket = await open();
  expect(socket.of('subscribe')).toHaveLength(1);
  socket.answer('subscribe', subscribed(1));
  await clock.advance(0);
  controller.abort();
  expect(socket.of('unsubscribe')).toHaveLength(1);
});
