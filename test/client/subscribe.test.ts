import { describe, expect, it } from 'vitest';
import type { SubscribeFilter } from '../../src/client/observer.js';
import { cursor, entry, JOB, resumed, SETTLEMENT, SOURCE, status, subscribed } from './support/fixtures.js';
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

  it('takes events that come in the same turn as the reply', async () => {
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
    again.answer('subscribe', subscribed(0, { cursor: cursor(7, 'new') }));
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

  it('asks anew when its grants have changed and the server names no id to go on under', async () => {
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

  it('starts over when the line dies between two pages', async () => {
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

  it('treats events of another log as a reason to ask', async () => {
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

  it('asks later when the server says so', async () => {
    const { client, clock, open } = start();
    client.subscribe({}, {});
    const socket = await open();
    socket.refuse('subscribe', { data: { reason: 'RATE_LIMITED', retryAfterMs: 2_000 } });
    await clock.advance(1_999);
    expect(socket.of('subscribe')).toHaveLength(1);
    await clock.advance(1);
    expect(socket.of('subscribe')).toHaveLength(2);
  });

  it('reports an observer that throws and goes on', async () => {
    const { client, clock, heard, socket } = await live();
    client.subscribe(
      {},
      {
        events: () => {
          throw new Error('mine');
        },
      },
    );
    await clock.advance(0);
    push(socket, [11]);
    push(socket, [12]);
    expect(clock.reported).toHaveLength(2);
    expect(heard).toHaveLength(3);
  });

  it('completes when the client is closed, and is silent after unsubscribe', async () => {
    const { client, clock, heard, socket, handle } = await live();
    const other = listen();
    const gone = client.subscribe({}, other.observer);
    await clock.advance(0);
    gone.unsubscribe();
    gone.unsubscribe();
    push(socket, [11]);
    client.close();
    handle.unsubscribe();
    expect(other.heard).toEqual(['snapshot initial k3f9:10']);
    expect(heard.at(-1)).toBe('complete');
  });
});

describe('observers of one filter', () => {
  it('share one subscription; the second gets the present from the table of the first', async () => {
    const { client, clock, socket } = await live({ sources: ['a', 'b'] });
    socket.notify('events', {
      subscription: 's1',
      cursor: cursor(12),
      events: [status(11, 'null'), entry(12, 'GATEWAY_JOB_SETTLED', SETTLEMENT)],
    });
    const snapshots: unknown[] = [];
    client.subscribe(
      { sources: ['b', 'a', 'a'] },
      { snapshot: ({ jobs, settled, cursor: at }) => void snapshots.push([jobs, settled.length, at]) },
    );
    await clock.advance(0);
    expect(snapshots).toEqual([[[], 1, cursor(12)]]);
    expect(socket.of('subscribe')).toHaveLength(1);
  });

  it('are counted: the last one to leave unsubscribes', async () => {
    const { client, clock, socket, handle } = await live();
    const second = client.subscribe({}, {});
    await clock.advance(0);
    handle.unsubscribe();
    expect(socket.of('unsubscribe')).toEqual([]);
    second.unsubscribe();
    expect(socket.of('unsubscribe').map(({ params }) => params)).toEqual([{ subscription: 's1' }]);
  });

  it('with types: a fresh cut for the newcomer, then a resume for those who were behind it', async () => {
    const { client, clock, socket, offsets, heard } = await live({ types: ['BLOCK_JOB_*'] });
    const second = listen();
    client.subscribe({ types: ['BLOCK_JOB_*'] }, second.observer);
    await clock.advance(0);
    expect(socket.of('subscribe')[1]?.params).not.toHaveProperty('after');
    push(socket, [11]);
    socket.answer('subscribe', subscribed(20));
    await clock.advance(0);
    // From here to the answer of the resume the first one would miss 12 to 20.
    push(socket, [21]);
    socket.notify('bookmark', { cursor: cursor(22), time: '' });
    expect(offsets).toEqual([11]);
    expect(socket.of('subscribe')[2]?.params).toMatchObject({ after: cursor(11) });
    socket.answer('subscribe', resumed(22));
    await clock.advance(0);
    push(socket, [12, 21, 23]);
    expect(offsets).toEqual([11, 12, 21, 23]);
    expect(second.offsets).toEqual([21, 23]);
    expect(heard.filter((item) => String(item).startsWith('gap'))).toEqual([]);
  });

  it('share the shortest progress interval, asked for without a gap', async () => {
    const { client, clock, socket, heard } = await live();
    const fast = listen();
    const handle = client.subscribe({ progress: 250 }, fast.observer);
    await clock.advance(0);
    expect(socket.of('subscribe')[1]?.params).toEqual({ after: cursor(10), snapshot: true, progress: 250 });
    socket.answer('subscribe', resumed(10));
    await clock.advance(0);
    socket.notify('progress', { subscription: 's1', jobs: [{ ...JOB, len: 5 }] });
    expect([fast.heard.at(-1), heard.length]).toEqual(['progress 1', 1]);
    handle.unsubscribe();
    expect(socket.of('subscribe')[2]?.params).toEqual({ after: cursor(10), snapshot: true });
  });

  it('one without a snapshot joins live without a word to the server', async () => {
    const { client, clock, socket } = await live({ types: ['SHUTDOWN'] });
    const offsets: number[] = [];
    client.subscribe(
      { types: ['SHUTDOWN'] },
      { events: (events) => void offsets.push(...events.map((e) => e.offset)) },
    );
    await clock.advance(0);
    push(socket, [10, 11]);
    expect(offsets).toEqual([11]);
    expect(socket.of('subscribe')).toHaveLength(1);
  });
});

describe('filters that differ in text and not in effect', () => {
  it('are one feed where the gateway has one name for them, so that neither takes the other’s progress', async () => {
    const { client, clock, socket } = await live({ progress: 500 });
    client.subscribe({ types: ['*', 'X'], sources: ['*'] }, listen().observer);
    await clock.advance(0);
    expect(socket.of('subscribe').every(({ params }) => (params as { progress?: number }).progress === 500)).toBe(true);
  });

  it('share the server’s subscription without loss, and leave it together', async () => {
    const { client, clock, socket, offsets, handle } = await live();
    const other = listen();
    const second = client.subscribe({ sources: ['**'] }, other.observer);
    await clock.advance(0);
    socket.answer('subscribe', subscribed(15));
    await clock.advance(0);
    push(socket, [16]);
    expect(socket.of('subscribe')[2]?.params).toMatchObject({ after: cursor(10) });
    socket.answer('subscribe', resumed(16));
    await clock.advance(0);
    push(socket, [11, 16, 17]);
    expect(offsets).toEqual([11, 16, 17]);
    expect(other.offsets).toEqual([16, 17]);
    handle.unsubscribe();
    expect(socket.of('unsubscribe')).toEqual([]);
    second.unsubscribe();
    expect(socket.of('unsubscribe')).toHaveLength(1);
  });
});

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

it('takes an AbortSignal', async () => {
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
