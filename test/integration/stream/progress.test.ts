// Progress over the wire: everybody's sources are polled, whoever else asks for progress at the same interval.
import { expect, it } from 'vitest';
import { openBench } from './support.js';

it('comes to each subscriber at the same interval, of whatever sources', async () => {
  const { app, sim } = await openBench(['vm1', 'vm2', 'vm3']);
  for (const name of ['vm1', 'vm2', 'vm3'])
    sim(name).jobs.start({ id: 'j', type: 'mirror', len: 2 ** 40, bytesPerSecond: 2 ** 20 });
  const wires = await Promise.all(
    ['vm1', 'vm2', 'vm3'].map(async (source) => {
      const wire = await app.wire();
      await wire.call('subscribe', { sources: [source], progress: 100 });
      return { source, wire };
    }),
  );
  for (const { source, wire } of wires) {
    const rounds = await wire.until(() => {
      const each = wire.notifications('progress').flatMap(({ jobs }) => jobs);
      return each.length >= 5 && each;
    });
    expect(new Set(rounds.map((row) => row.source))).toEqual(new Set([source]));
    expect(Number(rounds.at(-1)?.offset)).toBeGreaterThan(Number(rounds[0]?.offset));
  }
});
