// What thousands want at once is done in shares: upgrades over turns of the loop, life signs over the period.
import { afterEach, expect, it, vi } from 'vitest';
import { type Beating, Heartbeat } from '../../src/gateway/heartbeat.js';
import { Turns } from '../../src/gateway/turns.js';

afterEach(() => void vi.useRealTimers());

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('does so much in one turn, the rest in the next ones, all in order', async () => {
  const turns = new Turns();
  const done: number[] = [];
  for (let n = 0; n < 10; n += 1)
    turns.add(() => {
      for (const until = performance.now() + 5; performance.now() < until; );
      done.push(n);
    });
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual([0]);
  await expect.poll(() => done.length).toBe(10);
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('beats for a share of the connections each second, and for each once a period', () => {
  vi.useFakeTimers();
  const heartbeat = new Heartbeat(15_000);
  const beats = Array.from({ length: 30 }, () => 0);
  const lost: number[] = [];
  const beating = beats.map((_, n): Beating => {
    const each: Beating = {
      alive: true,
      beat() {
        beats[n] = (beats[n] ?? 0) + 1;
        // One never answers.
        each.alive = n !== 7;
      },
      lost() {
        lost.push(n);
        heartbeat.remove(each);
      },
    };
    return each;
  });
  for (const each of beating) heartbeat.add(each);
  vi.advanceTimersByTime(1_000);
  expect(beats.filter((count) => count > 0)).toHaveLength(2);
  vi.advanceTimersByTime(14_000);
  expect(beats).toEqual(beats.map(() => 1));
  expect(lost).toEqual([]);
  vi.advanceTimersByTime(30_000);
  expect(lost).toEqual([7]);
  expect(beats).toEqual(beats.map((_, n) => (n === 7 ? 1 : 3)));
  heartbeat.close();
});
