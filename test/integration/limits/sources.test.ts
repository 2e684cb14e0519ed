// Limits on what monitors send, each met on purpose: what a client sees of it, and that it is counted.
import { expect, it } from 'vitest';
import { TRACK_DEFAULTS } from '../../../src/jobs/tracking/track-options.js';
import { metric, openBench } from '../stream/support.js';

const hits = (url: string, limit: string): Promise<number> =>
  metric(url, `qmp_gateway_limit_hits_total{limit="${limit}"}`);

it('data of an event beyond 256 KiB is its size', async () => {
  const { app, wire, sim } = await openBench();
  await wire.call('subscribe', {});
  sim('vm1').faults.emit('LARGE', { pad: 'x'.repeat(300 * 1024) });
  expect((await wire.typed('LARGE')).data).toEqual({ truncated: expect.any(Number) });
  sim('vm1').faults.emit('SMALL', { pad: 'x'.repeat(200 * 1024) });
  expect((await wire.typed('SMALL')).data).toHaveProperty('pad');
  expect(await hits(app.url, 'event_data')).toBe(1);
});

it('a job beyond those of a source is not listed and has no run; its events are published without job', async () => {
  const { app, wire, sim } = await openBench(['vm1'], { track: { maxRuns: 2 } });
  await wire.call('subscribe', {});
  for (const id of ['a', 'b', 'c']) sim('vm1').jobs.start({ id, type: 'mirror', bytesPerSecond: 1 });
  const event = await wire.event(
    ({ type, data }) => type === 'JOB_STATUS_CHANGE' && (data as { id: string }).id === 'c',
  );
  expect(event.job).toBeUndefined();
  const { jobs } = await wire.call('job.list', {});
  expect(jobs.map(({ job }) => job)).toEqual(['a', 'b']);
  expect((await wire.ask('job.abort', { source: 'vm1', job: 'c' })).error?.data?.reason).toBe('JOB_NOT_FOUND');
  expect(await hits(app.url, 'source_jobs')).toBeGreaterThan(0);
});

it('a settlement beyond the number that is kept is gone: JOB_NOT_FOUND', async () => {
  const { app, wire, sim } = await openBench(['vm1'], {
    track: { settlements: { ...TRACK_DEFAULTS.settlements, count: 1 } },
  });
  await wire.call('subscribe', {});
  for (const id of ['a', 'b']) {
    sim('vm1').jobs.start({ id, type: 'mirror', bytesPerSecond: 1 });
    await wire.status(id, 'running');
    await wire.call('job.abort', { source: 'vm1', job: id, sync: true });
  }
  expect(await wire.call('job.get', { source: 'vm1', job: 'b' })).toMatchObject({ settled: { outcome: 'cancelled' } });
  expect((await wire.ask('job.get', { source: 'vm1', job: 'a' })).error?.data?.reason).toBe('JOB_NOT_FOUND');
  expect(await hits(app.url, 'settlements')).toBe(1);
});
