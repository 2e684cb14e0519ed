// How far a run was when: at most 60 moments, spread over its life.
import { expect, it } from 'vitest';
import { ProgressSamples } from '../../src/history/index.js';
import type { Progress } from '../../src/protocol/types.js';

const row = (offset: Progress['offset'], more: Partial<Progress> = {}): Progress => ({
  ...{ source: 'vm1', job: 'j', run: 'r:1', status: 'running', len: 1_000_000, offset, speed: 0 },
  ...more,
});

it('of a long life there are at most 60, as far apart as the first from the second', () => {
  const samples = new ProgressSamples(() => 0);
  for (let second = 0; second < 100_000; second++) samples.add([row(second)], second * 1_000);
  const taken = samples.take(row(0));
  expect(taken.length).toBeGreaterThan(30);
  expect(taken.length).toBeLessThanOrEqual(60);
  const gaps = taken.slice(1).map(([ms], at) => ms - (taken[at]?.[0] ?? 0));
  expect(new Set(gaps).size).toBe(1);
  expect(taken[0]).toEqual([0, 0, 1_000_000]);
  expect(taken.at(-1)?.[0]).toBeGreaterThan(95_000_000);
  expect(samples.of(row(0))).toEqual([]);
});

it('counts from the start of the run, takes one a second at most, and none without a length', () => {
  const samples = new ProgressSamples(({ run }) => (run === 'r:1' ? 5_000 : undefined));
  samples.add([row(0, { len: 0 })], 5_100);
  for (const at of [6_000, 6_500, 7_000]) samples.add([row(at), row(at, { run: 'r:2' })], at);
  samples.add([row('9007199254740993')], 9_000);
  expect(samples.of(row(0))).toEqual([
    [1_000, 6_000, 1_000_000],
    [2_000, 7_000, 1_000_000],
  ]);
  // Its start is not known: it counts from its first sample.
  expect(samples.of(row(0, { run: 'r:2' })).map(([ms]) => ms)).toEqual([0, 1_000]);
});
