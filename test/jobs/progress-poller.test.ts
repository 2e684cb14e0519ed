// ProgressPoller of one source are its own matter: what others want, begin or end must neither put them off nor add to them.
import { beforeEach, describe, expect, it } from 'vitest';
import { ProgressPoller } from '../../src/jobs/tracking/progress-poller.js';
import type { SourceTracker } from '../../src/jobs/tracking/source-tracker.js';
import { FakeClock } from '../support/fake-clock.js';

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

function trackerOf(name: string, takesMs = 0): SourceTracker & { polled: number } {
  const tracker = {
    name,
    legacy: false,
    isUp: true,
    runs: new Map([['j', {}]]),
    polled: 0,
    poll: () => {
      tracker.polled += 1;
      return takesMs === 0
        ? Promise.resolve(true)
        : new Promise((resolve) => clock.after(takesMs, () => resolve(true)));
    },
  };
  return tracker as unknown as SourceTracker & { polled: number };
}
const only = (name: string) => (source: string) => source === name;

describe('polls', () => {
  it('of one source go on while demands of others come and go', async () => {
    const poller = new ProgressPoller(clock, 1_000);
    const [x, y] = [trackerOf('x'), trackerOf('y')];
    poller.add(x);
    poller.add(y);
    poller.demand('progress', { wants: () => true, everyMs: 1_000 });
    for (let at = 0; at < 8_000; at += 100) {
      poller.demand('wait x', { wants: only('x'), everyMs: 2_000 });
      await clock.advance(50);
      poller.demand('wait x', undefined);
      await clock.advance(50);
    }
    expect([x.polled, y.polled]).toEqual([8, 8]);
    poller.close();
  });

  it('come sooner for whoever wants them more often, and no oftener than wanted', async () => {
    const poller = new ProgressPoller(clock, 1_000);
    const x = trackerOf('x');
    poller.add(x);
    poller.demand('slow', { wants: only('x'), everyMs: 5_000 });
    await clock.advance(1_000);
    poller.demand('fast', { wants: only('x'), everyMs: 500 });
    await clock.advance(2_000);
    expect(x.polled).toBe(4);
    poller.demand('fast', undefined);
    await clock.advance(10_000);
    expect(x.polled).toBeLessThanOrEqual(4 + 3);
    poller.demand('slow', undefined);
    const { polled } = x;
    await clock.advance(20_000);
    expect(x.polled).toBe(polled);
    poller.close();
  });

  it('of one interval are made for whoever wants them, however many choose other sources, and for a source that comes later', async () => {
    const poller = new ProgressPoller(clock, 1_000);
    const [x, y] = [trackerOf('x'), trackerOf('y')];
    poller.add(x);
    poller.demand('one', { wants: only('x'), everyMs: 1_000 });
    poller.demand('another', { wants: only('y'), everyMs: 1_000 });
    poller.add(y);
    poller.arm(y);
    await clock.advance(3_500);
    expect([x.polled, y.polled]).toEqual([3, 3]);
    poller.demand('one', undefined);
    await clock.advance(2_000);
    expect([x.polled, y.polled]).toEqual([3, 5]);
    poller.close();
  });

  it('take at most a quarter of the time of a slow source', async () => {
    const poller = new ProgressPoller(clock, 1_000);
    const x = trackerOf('x', 1_000);
    poller.add(x);
    poller.demand('fast', { wants: only('x'), everyMs: 100 });
    await clock.advance(10_100);
    expect(x.polled).toBe(3);
    poller.close();
  });

  it('are not made while its jobs are queried as often for another reason', async () => {
    const poller = new ProgressPoller(clock, 1_000);
    const x = trackerOf('x');
    poller.add(x);
    poller.demand('history', { wants: only('x'), everyMs: 60_000 });
    for (let n = 0; n < 10; n += 1) {
      await clock.advance(45_000);
      poller.queried(x);
    }
    expect(x.polled).toBe(0);
    await clock.advance(59_999);
    expect(x.polled).toBe(0);
    await clock.advance(1);
    expect(x.polled).toBe(1);
    poller.close();
  });

  it('of an old QEMU are made while a job is active, and without one only for whoever wants progress', async () => {
    const poller = new ProgressPoller(clock, 500);
    const x = trackerOf('x');
    const [legacy, runs] = [x as { legacy: boolean }, x.runs as Map<string, object>];
    legacy.legacy = true;
    poller.add(x);
    poller.arm(x);
    await clock.advance(2_100);
    expect(x.polled).toBe(4);
    runs.clear();
    await clock.advance(20_000);
    expect(x.polled).toBe(5);
    poller.demand('progress', { wants: only('x'), everyMs: 1_000 });
    await clock.advance(2_100);
    expect(x.polled).toBe(8);
    legacy.legacy = false;
    await clock.advance(20_000);
    expect(x.polled).toBe(9);
    poller.close();
  });
});
