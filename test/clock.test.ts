// How long an answer is waited for.
import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { CLOCK, NoAnswer, within } from '../src/clock.js';
import { FakeClock } from './support/fake-clock.js';

/** Nothing of this thread goes on, as nothing of a stopped process does. */
const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

it('an answer is waited for as long as is said, and not longer', async () => {
  const clock = new FakeClock();
  let late = 0;
  const asked = within(new Promise(() => {}), clock, 1_000, 'the disk', () => {
    late += 1;
  });
  const failed = expect(asked).rejects.toThrow(new NoAnswer('the disk did not answer for 1000 ms'));
  await clock.advance(999);
  expect([late, clock.pending]).toEqual([0, 1]);
  await clock.advance(1);
  await failed;
  expect([late, clock.pending]).toEqual([1, 0]);
});

it.each([0, 600])('no timer stays behind an answer that comes after %d ms', async (ms) => {
  const clock = new FakeClock();
  let answer: (value: string) => void = () => undefined;
  const asked = within(new Promise<string>((resolve) => (answer = resolve)), clock, 1_000, 'the disk');
  await clock.advance(ms);
  answer('it');
  expect([await asked, clock.pending]).toEqual(['it', 0]);
});

it.each([
  ['at first', 0],
  ['near the end', 150],
])('what has come while the process stood still %s counts as an answer', async (_when, ms) => {
  let answer: (value: string) => void = () => undefined;
  const asked = within(new Promise<string>((resolve) => (answer = resolve)), CLOCK, 200, 'the disk');
  CLOCK.after(ms, () => {
    void stat('.').then(() => answer('it'));
    standStill(250);
  });
  expect(await asked).toBe('it');
});
