// The demo over an hour of simulated time: jobs of every kind and outcome come and go, the same ones each time.
import { expect, it } from 'vitest';
import { runDemoJobs } from '../../src/simulator/demo.js';
import { jobsOf } from '../../src/simulator/job-control.js';
import type { Reply } from '../../src/simulator/model.js';
import type { Simulator } from '../../src/simulator/simulator.js';
import { emptyWorld, step } from '../../src/simulator/step.js';

/** A simulator without a socket, and a clock that goes by jumps of 100 ms. */
function hour(seed: number): string[] {
  const world = emptyWorld();
  const lines: string[] = [];
  const timers: { due: number; fn: () => void }[] = [];
  let now = 0;
  const run = (input: Parameters<typeof step>[1]): Reply => {
    let reply: Reply = { ok: true, value: {} };
    for (const effect of step(world, input, now)) {
      if (effect.kind === 'reply') reply = effect.reply;
      else lines.push(JSON.stringify(effect.event, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
    }
    return reply;
  };
  const clock = {
    now: () => now,
    setTimer: (fn: () => void, ms: number) => {
      const timer = { due: now + ms, fn };
      timers.push(timer);
      return () => {
        timer.due = Number.POSITIVE_INFINITY;
      };
    },
  };
  const stop = runDemoJobs({ jobs: jobsOf(run, new Map()) } as Simulator, { seed, clock });
  for (; now < 3_600_000; now += 100) {
    for (const timer of timers.splice(0)) {
      if (timer.due <= now) timer.fn();
      else timers.push(timer);
    }
    run({ kind: 'tick' });
  }
  stop();
  return lines;
}

it('has every kind of job, failures, and errors that are resumed, and never ends', () => {
  const lines = hour(1);
  for (const type of ['mirror', 'backup', 'stream', 'commit']) {
    expect(lines.filter((line) => line.includes('COMPLETED') && line.includes(`"${type}"`)).length).toBeGreaterThan(5);
  }
  expect(lines.filter((line) => line.includes('READY')).length).toBeGreaterThan(20);
  expect(lines.filter((line) => line.includes('"error"')).length).toBeGreaterThan(5);
  expect(lines.filter((line) => line.includes('"stop"')).length).toBeGreaterThan(5);
  const late = lines.slice(-50).filter((line) => line.includes('COMPLETED'));
  expect(late.length).toBeGreaterThan(3);
});

it('has the same jobs for the same seed', () => {
  expect(hour(7)).toEqual(hour(7));
  expect(hour(7)).not.toEqual(hour(8));
});
