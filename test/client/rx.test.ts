import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { config, retry } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fileStore } from '../../src/client/file-store.js';
import { localStore } from '../../src/client/local-store.js';
import { events, jobs, progress, state } from '../../src/client/rx.js';
import type { JobTable } from '../../src/protocol/job-table.js';
import { cursor, entry, JOB, SOURCE, status, subscribed } from './support/fixtures.js';
import { start } from './support/start.js';

const CUT = { jobs: [JOB], settled: [], sources: [SOURCE] };

it('events are cold, typed, and unsubscribed with their last listener', async () => {
  const { client, clock, open } = start();
  const cancelled$ = events(client, { types: ['BLOCK_JOB_CANCELLED'] });
  const socket = await open();
  expect(socket.sent).toEqual([]);
  const devices: string[] = [];
  const subscription = cancelled$.subscribe(({ data }) => devices.push(data.device));
  await clock.advance(0);
  expect(socket.of('subscribe')[0]?.params).toEqual({ types: ['BLOCK_JOB_CANCELLED'], snapshot: false });
  socket.answer('subscribe', { subscription: 's1', cursor: cursor(1), resumed: false, sources: [] });
  await clock.advance(0);
  const happened = [
    entry(2, 'BLOCK_JOB_CANCELLED', { device: 'drive0' }),
    entry(3, 'BLOCK_JOB_CANCELLED', { device: 'd1' }),
  ];
  socket.notify('events', { subscription: 's1', cursor: cursor(3), events: happened });
  subscription.unsubscribe();
  expect(devices).toEqual(['drive0', 'd1']);
  expect(socket.of('unsubscribe')).toHaveLength(1);
});

it('events end with an error at a gap unless onGap is given', async () => {
  const { client, clock, open } = start();
  const heard: unknown[] = [];
  events(client, {}).subscribe({ error: (error) => heard.push(error.reason) });
  const taken$ = events(client, { jobs: ['x'] }, { onGap: ({ cursor: at }) => heard.push(at) });
  taken$.subscribe({ error: (error) => heard.push(error) });
  const socket = await open();
  socket.answer('subscribe', subscribed(1), 0);
  socket.answer('subscribe', subscribed(1, { subscription: 's2' }), 1);
  await clock.advance(0);
  for (const subscription of ['s1', 's2'])
    socket.notify('reset', { subscription, reason: 'retention', cursor: cursor(50), ...CUT });
  expect(heard).toEqual(['CONTINUITY_LOST', cursor(50)]);
});

it('events: retry starts again, live', async () => {
  const { client, clock, open } = start();
  const seen: number[] = [];
  events(client, {})
    .pipe(retry(1))
    .subscribe(({ offset }) => seen.push(offset));
  const socket = await open();
  socket.answer('subscribe', subscribed(1));
  await clock.advance(0);
  socket.notify('reset', { subscription: 's1', reason: 'retention', cursor: cursor(50), ...CUT });
  await clock.advance(0);
  socket.answer('subscribe', subscribed(60));
  await clock.advance(0);
  socket.notify('events', { subscription: 's1', cursor: cursor(61), events: [status(61, 'running')] });
  expect(seen).toEqual([61]);
});

it('jobs: the present, then after each change; a reset is the next table', async () => {
  const { client, clock, open } = start();
  const tables: JobTable[] = [];
  let completed = false;
  jobs(client, { progress: true }).subscribe({
    next: (table) => tables.push(table),
    complete: () => (completed = true),
  });
  const socket = await open();
  expect(socket.of('subscribe')[0]?.params).toEqual({ snapshot: true, progress: true });
  socket.answer('subscribe', subscribed(1));
  await clock.advance(0);
  socket.notify('events', { subscription: 's1', cursor: cursor(2), events: [status(2, 'ready')] });
  socket.notify('progress', { subscription: 's1', jobs: [{ ...JOB, offset: 77 }] });
  socket.notify('reset', { subscription: 's1', reason: 'epoch', cursor: cursor(1, 'new'), ...CUT, jobs: [] });
  expect(tables.map((table) => [...table.jobs.values()].map((job) => [job.status, job.offset]))).toEqual([
    [['running', 10]],
    [['ready', 10]],
    [['ready', 77]],
    [],
  ]);
  client.close();
  expect(completed).toBe(true);
});

it('progress comes at the given interval; a signal completes it and unsubscribes', async () => {
  const { client, clock, open } = start();
  const controller = new AbortController();
  const heard: unknown[] = [];
  progress(client, { sources: ['vm1'], intervalMs: 250 }, { signal: controller.signal }).subscribe({
    next: (rows) => heard.push(rows.length),
    complete: () => heard.push('complete'),
  });
  const socket = await open();
  expect(socket.of('subscribe')[0]?.params).toEqual({ sources: ['vm1'], snapshot: false, progress: 250 });
  socket.answer('subscribe', subscribed(1));
  await clock.advance(0);
  socket.notify('progress', { subscription: 's1', jobs: [JOB, JOB] });
  controller.abort();
  expect(heard).toEqual([2, 'complete']);
  expect(socket.of('unsubscribe')).toHaveLength(1);
});

it('state: the present first, every change, complete after closed', async () => {
  const { client, open } = start();
  const phases: string[] = [];
  const subscription = state(client).subscribe(({ phase }) => phases.push(phase));
  state(client).subscribe({ next: ({ phase }) => phases.push(`2 ${phase}`), complete: () => phases.push('complete') });
  await open();
  subscription.unsubscribe();
  client.close();
  state(client).subscribe({ complete: () => phases.push('at once') });
  expect(phases).toEqual([
    ...['connecting', '2 connecting', 'connecting', '2 connecting', 'open', '2 open', '2 closed'],
    ...['complete', 'at once'],
  ]);
});

it('an observable on a closed client errors instead of hanging', () => {
  const { client } = start();
  client.close();
  const heard: unknown[] = [];
  jobs(client).subscribe({ error: (error) => heard.push(error.reason) });
  expect(heard).toEqual(['CLIENT_CLOSED']);
});

describe('a stream with a store', () => {
  const kept = (first?: string) => {
    const saved: string[] = [];
    return { saved, load: () => first, save: (at: string) => void saved.push(at) };
  };
  /** The client has a clock of its own; saving waits for a turn of the process. */
  const turn = async () => {
    for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setTimeout(resolve));
  };

  it('begins after the cursor that is kept, and keeps each position after its events were handled', async () => {
    const { client, clock, open } = start();
    const store = kept(cursor(10));
    const heard: unknown[] = [];
    events(client, { types: ['STOP'] }, { store, withCursor: true }).subscribe((each) => {
      heard.push([each.event.offset, each.cursor, store.saved.length]);
    });
    const socket = await open();
    await clock.advance(0);
    expect(socket.of('subscribe')[0]?.params).toEqual({ types: ['STOP'], after: cursor(10), snapshot: false });
    socket.answer('subscribe', { subscription: 's1', cursor: cursor(10), resumed: true, sources: [] });
    await clock.advance(0);
    socket.notify('events', {
      subscription: 's1',
      cursor: cursor(19),
      events: [entry(12, 'STOP', {}), entry(15, 'STOP', {})],
    });
    expect(heard).toEqual([
      [12, cursor(12), 0],
      [15, cursor(19), 0],
    ]);
    await turn();
    expect(store.saved).toEqual([cursor(19)]);
  });

  it('keeps the position where nothing matches: at the beginning, and with each bookmark', async () => {
    const { client, clock, open } = start();
    const store = kept();
    events(client, { types: ['STOP'] }, { store }).subscribe();
    const socket = await open();
    socket.answer('subscribe', { subscription: 's1', cursor: cursor(5), resumed: false, sources: [] });
    await clock.advance(0);
    await turn();
    socket.notify('bookmark', { cursor: cursor(7), time: '' });
    socket.notify('bookmark', { cursor: cursor(9), time: '' });
    socket.notify('bookmark', { cursor: cursor(9), time: '' });
    await turn();
    expect(store.saved).toEqual([cursor(5), cursor(9)]);
  });

  it('saves no position of events whose exception ends the process, also where one that was handled came in the same turn', async () => {
    const { client, clock, open } = start();
    const order: string[] = [];
    const store = { load: () => cursor(10), save: (at: string) => void order.push(at) };
    config.onUnhandledError = () => void order.push('the process ends');
    onTestFinished(() => {
      config.onUnhandledError = null;
    });
    events(client, { types: ['STOP'] }, { store }).subscribe(({ offset }) => {
      if (offset === 12) throw new Error('not handled');
    });
    const socket = await open();
    await clock.advance(0);
    socket.answer('subscribe', { subscription: 's1', cursor: cursor(10), resumed: true, sources: [] });
    await clock.advance(0);
    await turn();
    for (const offset of [11, 12])
      socket.notify('events', { subscription: 's1', cursor: cursor(offset), events: [entry(offset, 'STOP', {})] });
    await turn();
    expect(order[0]).toBe('the process ends');
  });

  it('saves one position at a time, and then the newest', async () => {
    const { client, clock, open } = start();
    const saved: string[] = [];
    const waiting: (() => void)[] = [];
    const save = async (at: string): Promise<void> => {
      saved.push(at);
      await new Promise<void>((resolve) => waiting.push(resolve));
    };
    events(client, { types: ['STOP'] }, { store: { load: () => cursor(10), save } }).subscribe();
    const socket = await open();
    await clock.advance(0);
    socket.answer('subscribe', { subscription: 's1', cursor: cursor(10), resumed: true, sources: [] });
    for (const at of [11, 12, 13]) {
      socket.notify('bookmark', { cursor: cursor(at), time: '' });
      await turn();
    }
    expect(saved).toHaveLength(1);
    waiting[0]?.();
    await turn();
    await turn();
    expect(saved.slice(1)).toEqual([cursor(13)]);
  });

  it('reports a gap once: the next start begins where the gateway goes on', async () => {
    const { client, clock, open } = start();
    const store = kept(cursor(10));
    const heard: unknown[] = [];
    events(client, {}, { store }).subscribe({ error: (error) => heard.push(error.reason, error.data.after) });
    const socket = await open();
    await clock.advance(0);
    socket.answer('subscribe', subscribed(50, { resumed: false }));
    await clock.advance(0);
    await turn();
    expect(heard).toEqual(['CONTINUITY_LOST', cursor(10)]);
    expect(store.saved).toEqual([cursor(50)]);
  });

  it('errors at a gap once the store has where the gateway goes on, so that a retry begins there', async () => {
    const { client, clock, open } = start();
    const saved = [cursor(10)];
    const store = { load: () => saved.at(-1), save: (at: string) => void saved.push(at) };
    const heard: unknown[] = [];
    events(client, {}, { store })
      .pipe(retry(1))
      .subscribe({ next: ({ offset }) => heard.push(offset), error: (error) => heard.push(error.reason) });
    const socket = await open();
    await clock.advance(0);
    socket.answer('subscribe', { subscription: 's1', cursor: cursor(10), resumed: true, sources: [] });
    await clock.advance(0);
    socket.notify('reset', { subscription: 's1', reason: 'retention', cursor: cursor(50), ...CUT });
    // It came with the reset; after the error it comes again.
    socket.notify('events', { subscription: 's1', cursor: cursor(51), events: [status(51, 'ready')] });
    await turn();
    await clock.advance(0);
    expect(socket.of('subscribe').map(({ params }) => params.after)).toEqual([cursor(10), cursor(50)]);
    socket.answer('subscribe', { subscription: 's1', cursor: cursor(50), resumed: true, sources: [] });
    await clock.advance(0);
    socket.notify('events', { subscription: 's1', cursor: cursor(51), events: [status(51, 'ready')] });
    expect(heard).toEqual([51]);
  });

  it('ends with the error of its store', async () => {
    const { client, clock, open } = start();
    const failing = { load: () => Promise.reject(new Error('no right to it')), save: () => {} };
    const heard: string[] = [];
    events(client, {}, { store: failing }).subscribe({ error: (error: Error) => heard.push(error.message) });
    const full = { load: () => undefined, save: () => Promise.reject(new Error('no space left')) };
    events(client, {}, { store: full }).subscribe({ error: (error: Error) => heard.push(error.message) });
    events(client, {}, { store: kept('no cursor') }).subscribe({ error: (error) => heard.push(error.reason) });
    const socket = await open();
    await clock.advance(0);
    socket.answer('subscribe', subscribed(1));
    await clock.advance(0);
    await turn();
    expect(heard.sort()).toEqual(['INVALID_OPTION', 'no right to it', 'no space left']);
  });
});

describe('the store in a file', () => {
  const folder = async (): Promise<string> => {
    const made = await mkdtemp(join(tmpdir(), 'store-'));
    onTestFinished(() => rm(made, { recursive: true, force: true }));
    return made;
  };

  it('has what was saved last, in a file that only its owner reads', async () => {
    const file = join(await folder(), 'cursor');
    const store = fileStore(file);
    expect(await store.load()).toBeUndefined();
    const written = [cursor(1), cursor(2), cursor(3)].map(async (each) => store.save(each));
    await Promise.all(written);
    expect(await fileStore(file).load()).toBe(cursor(3));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await store.save(cursor(4));
    expect(await store.load()).toBe(cursor(4));
    expect(await readdir(dirname(file))).toEqual(['cursor']);
  });

  it('says why it can not save, and saves again when it can', async () => {
    const at = await folder();
    const store = fileStore(join(at, 'gone', 'cursor'));
    await expect(store.save(cursor(1))).rejects.toThrow('ENOENT');
    await mkdir(join(at, 'gone'));
    await store.save(cursor(2));
    expect(await store.load()).toBe(cursor(2));
  });
});

it('the store of a page keeps a cursor for each key', () => {
  const values = new Map<string, string>();
  const storage = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
  };
  const [one, two] = [localStore('one', storage), localStore('two', storage)];
  void one.save(cursor(1));
  expect([one.load(), two.load()]).toEqual([cursor(1), undefined]);
});
