import { expect, it } from 'vitest';
import {
  etaOf,
  extend,
  newTrail,
  rateOf,
  ratesOf,
  STALE_MS,
  sparkPath,
} from '../../demo-client/src/model/fleet/pace.js';

function trail(pairs: [number, number][], max = 100) {
  const made = newTrail();
  for (const [at, offset] of pairs) extend(made, at, offset, max);
  return made;
}

it('has no rate before the second figure', () => {
  expect(rateOf(newTrail(), 0)).toBeUndefined();
  expect(rateOf(trail([[0, 5]]), 0)).toBeUndefined();
});

it('is the rate of the newest window', () => {
  const pairs = Array.from({ length: 30 }, (_, n): [number, number] => [n * 1_000, n < 20 ? 0 : (n - 19) * 100]);
  expect(rateOf(trail(pairs), 29_000, 5_000)).toBe(100);
  expect(rateOf(trail(pairs), 29_000 + STALE_MS, 5_000)).toBe(100);
  expect(rateOf(trail(pairs), 29_001 + STALE_MS, 5_000)).toBeUndefined();
});

it('is never negative: a mirror may be set back', () => {
  expect(
    rateOf(
      trail([
        [0, 100],
        [1_000, 50],
      ]),
      1_000,
    ),
  ).toBe(0);
});

it('gives an ETA only where something moves and something is left', () => {
  expect(etaOf(100, 50, 10)).toBe(5_000);
  expect(etaOf(100, 50, 0)).toBeUndefined();
  expect(etaOf(100, 50, undefined)).toBeUndefined();
  expect(etaOf(100, 100, 10)).toBeUndefined();
});

it('keeps the newest, and two figures at once count as one', () => {
  const kept = trail(
    [
      [0, 0],
      [10, 5],
      [1_000, 10],
      [2_000, 20],
      [3_000, 30],
    ],
    3,
  );
  expect(kept).toEqual({ at: [1_000, 2_000, 3_000], offset: [10, 20, 30] });
});

it('smooths lumps in a plot', () => {
  const lumps = Array.from({ length: 21 }, (_, n): [number, number] => [n * 1_000, Math.floor(n / 4) * 400]);
  const [times, rates] = ratesOf(trail(lumps));
  expect(times).toHaveLength(20);
  for (const rate of rates.slice(8)) expect(rate).toBeGreaterThan(60);
});

it('a small plot goes from the left edge to the right one, and its highest rate is at the top', () => {
  expect(
    sparkPath(
      [
        [0, 5, 10],
        [0, 50, 100],
      ],
      72,
      24,
    ),
  ).toBe('M0.0,24.0L36.0,13.5L72.0,3.0');
  expect(sparkPath([[1], [0]], 72, 24)).toBe('M0.0,24.0');
});
