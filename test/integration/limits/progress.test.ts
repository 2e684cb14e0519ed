// The progress of 10,000 jobs: messages of up to 64 KiB, and the newest measures of every job also for a slow reader, which is not parked by them.
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../src/protocol/index.js';
import { cpuMs, openBare, progressRow, settledRun } from '../../support/bare.js';

const rows = (offset: number): Progress[] =>
  Array.from({ length: 10_000 }, (_, n) => progressRow(`vm${n % 20}`, `job${String(n).padStart(40, '0')}`, offset));

describe('progress of 10,000 jobs', () => {
  it('comes in messages of up to 64 KiB, every job once a round', async () => {
    const bare = await openBare();
    const wire = await bare.wire();
    const sizes: number[] = [];
    wire.ws.on('message', (data) => sizes.push((data as Buffer).length));
    await wire.call('subscribe', { progress: 100 });
    bare.progress$.next(rows(1));
    const all = await wire.until(() => {
      const jobs = wire.notifications('progress').flatMap((each) => each.jobs);
      return jobs.length >= 10_000 && jobs;
    });
    expect(new Set(all.map(({ job }) => job)).size).toBe(10_000);
    expect(all).toHaveLength(10_000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
    // A default Python client takes 1 MiB, ours many more; and few messages are needed.
    expect(wire.notifications('progress').length).toBeLessThan(40);
  });

  it('never parks a reader by itself; a slow one gets the newest of every job in time', {
    timeout: 60_000,
  }, async () => {
    const bare = await openBare();
    const wire = await bare.wire();
    await wire.call('subscribe', { progress: 100 });
    const seen = new Map<string, number>();
    let newest = 0;
    let stale = 0;
    wire.ws.removeAllListeners('message');
    wire.ws.on('message', (data) => {
      const { method, params } = JSON.parse(String(data));
      if (method !== 'progress') return;
      for (const { job, offset } of params.jobs) {
        if (offset < (seen.get(job) ?? 0)) stale += 1;
        seen.set(job, offset);
      }
    });
    // A quick reader of the same filter says that a round is out.
    const quick = await bare.wire();
    await quick.call('subscribe', { progress: 100 });
    const had = async (round: number): Promise<void> => {
      await quick.until(() => quick.notifications('progress').some(({ jobs }) => jobs.at(-1)?.offset === round));
      quick.frames.length = 0;
    };
    // Not read while rounds come: the kernel takes its megabytes, the rest never grows beyond half the high-water mark.
    wire.ws.pause();
    for (let round = 1; round <= 20; round += 1) {
      newest = round;
      bare.progress$.next(rows(round));
      await had(round);
      // An event finds out who is over the high-water mark.
      bare.log.append([{ source: 'vm1', type: 'MARKER', time: 0, data: {} }]);
      await quick.typed('MARKER');
      expect(bare.counts().parked).toBe(0);
    }
    wire.ws.resume();
    while (seen.size < 10_000 || [...seen.values()].some((offset) => offset <= 20)) {
      newest += 1;
      bare.progress$.next(rows(newest));
      await had(newest);
    }
    expect(stale).toBe(0);
    bare.log.append([{ source: 'vm1', type: 'MARKER', time: 0, data: {} }]);
    expect(bare.counts().parked).toBe(0);
  });

  it('is one demand for each filter, and no filter is compared twice with a job', async () => {
    const bare = await openBare();
    const wires = await Promise.all(Array.from({ length: 4 }, () => bare.wire()));
    for (const [n, wire] of wires.entries())
      for (let m = 0; m < 64; m += 1)
        await wire.call('subscribe', { jobs: [`*${n}?${String(m).padStart(3, '0')}*`], progress: 100 });
    expect(bare.demands.size).toBe(256);
    bare.progress$.next(rows(1));
    const before = cpuMs();
    for (let round = 2; round < 12; round += 1) bare.progress$.next(rows(round));
    const perRound = (cpuMs() - before) / 10;
    // CPU time: 256 filters and 10,000 jobs, compared anew, cost a quarter of a second a round.
    expect(perRound).toBeLessThan(60);
    for (const wire of wires) wire.close();
    await expect.poll(() => bare.demands.size).toBe(0);
  });

  it('of very many filters holds up nothing else: a turn has so much of it, and the rest comes later', async () => {
    const bare = await openBare();
    const wires = await Promise.all(Array.from({ length: 4 }, () => bare.wire()));
    for (const [n, wire] of wires.entries())
      for (let m = 0; m < 64; m += 1) await wire.call('subscribe', { jobs: ['job*', `${n} ${m}`], progress: 100 });
    // They are due at once, as after any work of some milliseconds.
    const until = performance.now() + 250;
    bare.progress$.next(rows(1).slice(0, 2_000));
    while (performance.now() < until);
    const before = cpuMs();
    await new Promise((resolve) => setTimeout(resolve));
    // CPU time of one turn: all 256 filters take a quarter of a second.
    expect(cpuMs() - before).toBeLessThan(60);
    await wires[3]?.until(
      () => new Set(wires[3]?.notifications('progress').map((each) => each.subscription)).size === 64,
    );
  });

  it('is never of a run that has settled, also where it waited for the reader', async () => {
    const bare = await openBare();
    const wire = await bare.wire();
    await wire.call('subscribe', { progress: 100 });
    bare.progress$.next([progressRow('vm1', 'a', 1), progressRow('vm1', 'bb', 1)]);
    bare.settled.push({ ...settledRun(1, 'a'), run: 'e:1' });
    const first = await wire.until(() => wire.notifications('progress')[0]);
    expect(first.jobs.map(({ job }) => job)).toEqual(['bb']);
  });
});
