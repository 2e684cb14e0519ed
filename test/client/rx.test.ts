import { retry } from 'rxjs';
import { expect, it } from 'vitest';
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
