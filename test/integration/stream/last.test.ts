// subscribe with `last` and `tag`: the newest so many entries, and equal filters side by side.
import { describe, expect, it } from 'vitest';
import { flood, numbersOf, openBench, range } from './support.js';

const types = ['BLOCK_WRITE_THRESHOLD'];

describe('last', () => {
  it('begins so many matching entries back, and goes on live', async () => {
    const bench = await openBench();
    flood(bench.sim('vm1'), 50);
    const all = await bench.app.wire();
    await all.call('subscribe', { types, last: 10_000 });
    await all.until(() => numbersOf(all).length === 50);
    const wire = await bench.app.wire();
    const result = await wire.call('subscribe', { types, last: 10 });
    expect(result).toMatchObject({ resumed: false });
    expect([result.jobs, result.settled, result.truncated]).toEqual([undefined, undefined, undefined]);
    flood(bench.sim('vm1'), 5, 0, 50);
    await wire.until(() => numbersOf(wire).at(-1) === 54);
    expect(numbersOf(wire)).toEqual(range(40, 55));
    expect(wire.events[0]?.offset).toBe(Number(result.cursor.split(':')[1]) + 1);
  });

  it('says where it did not look: what matches may lie further back than the newest 10,000', async () => {
    const bench = await openBench();
    bench.sim('vm1').faults.emit('RARE', {});
    flood(bench.sim('vm1'), 10_100);
    const wire = await bench.app.wire();
    await wire.call('subscribe', { types, last: 1 });
    await wire.until(() => numbersOf(wire).at(-1) === 10_099);
    const other = await bench.app.wire();
    expect(await other.call('subscribe', { types: ['RARE'], last: 1 })).toMatchObject({ truncated: true });
    bench.sim('vm1').faults.emit('RARE', { n: 2 });
    expect((await other.typed('RARE')).data).toEqual({ n: 2 });
  });

  it('is what the retention still has, where that is less', async () => {
    const bench = await openBench(['vm1'], { log: { perSource: 20 } });
    flood(bench.sim('vm1'), 100);
    const wire = await bench.app.wire();
    const probe = await bench.app.wire();
    await probe.call('subscribe', { types, last: 1 });
    await probe.until(() => numbersOf(probe).at(-1) === 99);
    await wire.call('subscribe', { types, last: 50 });
    await wire.until(() => numbersOf(wire).at(-1) === 99);
    expect(numbersOf(wire)).toEqual(range(80, 100));
    expect(wire.notifications('reset')).toEqual([]);
  });

  it('looks at the newest 64 entries, although its time is over before the first', async () => {
    const bench = await openBench(['vm1'], { gateway: { sliceMs: -1 } });
    flood(bench.sim('vm1'), 200);
    const all = await bench.app.wire();
    await all.call('subscribe', { types, last: 1 });
    await all.until(() => numbersOf(all).at(-1) === 199);
    const wire = await bench.app.wire();
    expect(await wire.call('subscribe', { types, last: 100 })).toMatchObject({ truncated: true });
    await wire.until(() => numbersOf(wire).at(-1) === 199);
    expect(numbersOf(wire)).toEqual(range(136, 200));
  });

  it('goes with neither after nor a snapshot', async () => {
    const { wire } = await openBench();
    for (const more of [{ after: 'e:1' }, { snapshot: true }])
      expect((await wire.ask('subscribe', { last: 1, ...more })).error?.data).toMatchObject({
        reason: 'INVALID_PARAMS',
      });
  });
});

describe('tag', () => {
  it('distinguishes equal filters of one connection', async () => {
    const { wire, sim } = await openBench();
    const [plain, one, again, two] = [
      await wire.call('subscribe', { types }),
      await wire.call('subscribe', { types, tag: 1 }),
      await wire.call('subscribe', { types, tag: 1 }),
      await wire.call('subscribe', { types, tag: 2 }),
    ].map(({ subscription }) => subscription);
    expect(new Set([plain, one, two]).size).toBe(3);
    expect(again).toBe(one);
    flood(sim('vm1'), 1);
    await wire.until(() => wire.notifications('events').length === 3);
    expect(
      wire
        .notifications('events')
        .map(({ subscription }) => subscription)
        .sort(),
    ).toEqual([plain, one, two].sort());
  });
});
