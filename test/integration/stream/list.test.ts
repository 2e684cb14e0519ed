// job.list without subscribers: its figures are fresh, or `updated` says how old they are.
import { expect, it } from 'vitest';
import { openBench, until } from './support.js';

const MIB = 1024 * 1024;

it('renews old measures, once for all simultaneous calls', async () => {
  const bench = await openBench(['vm1', 'vm2'], { gateway: { freshMs: 1, freshWaitMs: 10_000 } });
  for (const name of ['vm1', 'vm2'])
    bench.sim(name).jobs.start({ id: 'j', type: 'backup', len: 1024 * MIB, bytesPerSecond: 64 * MIB });
  const offsets = async (): Promise<number[]> =>
    (await bench.wire.call('job.list', {})).jobs.map(({ offset }) => Number(offset));
  await until(async () => (await offsets()).length === 2);
  const before = await offsets();
  await until(async () => (await offsets()).every((offset, at) => offset > (before[at] ?? 0)));
  const lists = await Promise.all(Array.from({ length: 20 }, offsets));
  expect(new Set(lists.map(String)).size).toBeLessThan(5);
});

it('does not wait for a source that does not answer, nor longer than its bound for a slow one', async () => {
  const bench = await openBench(['vm1', 'vm2'], {
    gateway: { freshMs: 1, freshWaitMs: 50 },
    source: { probeMs: 20, queryMs: 30 },
  });
  await bench.wire.call('subscribe', { types: ['GATEWAY_SOURCE_*'] });
  for (const name of ['vm1', 'vm2'])
    bench.sim(name).jobs.start({ id: 'j', type: 'backup', len: 1024 * MIB, bytesPerSecond: 64 * MIB });
  await until(async () => (await bench.wire.call('job.list', {})).jobs.length === 2);
  bench.sim('vm1').faults.hang();
  // The first waits for the query that finds out, up to its bound.
  const { jobs } = await bench.wire.call('job.list', {});
  expect(jobs.map(({ source }) => source)).toEqual(['vm1', 'vm2']);
  await bench.wire.typed('GATEWAY_SOURCE_STALLED');
  const updated = async (source: string): Promise<string | undefined> =>
    (await bench.wire.call('job.list', {})).jobs.find((job) => job.source === source)?.updated;
  const [old, fresh] = [await updated('vm1'), await updated('vm2')];
  await until(async () => (await updated('vm2')) !== fresh);
  expect(await updated('vm1')).toBe(old);
});
