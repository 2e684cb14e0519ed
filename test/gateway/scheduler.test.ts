// What thousands want at once is done in shares: upgrades over turns of the loop, life signs over the period.
import { beforeEach, expect, it } from 'vitest';
import { Scheduler } from '../../src/gateway/scheduler.js';
import { Heartbeat } from '../../src/gateway/session/heartbeat.js';
import { FakeClock } from '../support/fake-clock.js';

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

it('does so much in one turn, the rest in the next ones, all in order', async () => {
  const turns = new Scheduler(clock).queue();
  const done: number[] = [];
  for (let n = 0; n < 10; n += 1)
    turns.later({}, () => {
      clock.spend(5);
      return done.push(n) > 0;
    });
  expect(done).toEqual([]);
  await clock.turn();
  expect(done).toEqual([0]);
  await clock.turn(9);
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('serves each owner a step, then the next: who wants much holds up nobody', async () => {
  const turns = new Scheduler(clock).queue();
  const done: string[] = [];
  const wants = (name: string, steps: number): (() => boolean) => {
    let left = steps;
    return () => {
      done.push(name);
      left -= 1;
      return left === 0;
    };
  };
  const [greedy, modest] = [{}, {}];
  turns.later(greedy, wants('greedy', 4));
  turns.later(modest, wants('modest', 1));
  await clock.turn();
  expect(done).toEqual(['greedy', 'modest', 'greedy', 'greedy', 'greedy']);
});

it('does the first step at once while the turn has time, and never before who waits', async () => {
  const turns = new Scheduler(clock).queue();
  const done: number[] = [];
  const step = (n: number, ms = 0): (() => boolean) => {
    return () => {
      clock.spend(ms);
      return done.push(n) > 0;
    };
  };
  turns.now({}, step(1));
  turns.now({}, step(2, 5));
  expect(done).toEqual([1, 2]);
  turns.now({}, step(3));
  expect(done, 'the turn is used up').toEqual([1, 2]);
  await clock.turn();
  expect(done).toEqual([1, 2, 3]);
  turns.now({}, step(4));
  expect(done).toEqual([1, 2, 3, 4]);
});

it('gives each kind of work its own time in a turn, and one with a budget of 0 a single step', async () => {
  const scheduler = new Scheduler(clock);
  const [requests, broadcasts] = [scheduler.queue(), scheduler.queue(0)];
  const done: string[] = [];
  const wants = (name: string, steps: number, ms: number): (() => boolean) => {
    let left = steps;
    return () => {
      clock.spend(ms);
      done.push(name);
      left -= 1;
      return left === 0;
    };
  };
  requests.later({}, wants('request', 2, 5));
  broadcasts.later({}, wants('broadcast', 2, 0));
  await clock.turn();
  expect(done).toEqual(['request', 'broadcast']);
  await clock.turn();
  expect(done).toEqual(['request', 'broadcast', 'request', 'broadcast']);
});

it('gives the other kinds of work their turn after an exception in one', () => {
  const actions: (() => void)[] = [];
  Object.assign(clock, { soon: (action: () => void) => void actions.push(action) });
  const scheduler = new Scheduler(clock);
  const [faulty, sound] = [scheduler.queue(), scheduler.queue()];
  const done: string[] = [];
  faulty.later({}, () => {
    throw new Error('a bug');
  });
  sound.later({}, () => done.push('sound') > 0);
  expect(() => actions.shift()?.()).toThrow('a bug');
  actions.shift()?.();
  expect(done).toEqual(['sound']);
});

it('beats for a share of the connections each second, and for each once a period', async () => {
  const heartbeat = new Heartbeat(15_000, clock);
  const beats = Array.from({ length: 30 }, () => 0);
  for (const n of beats.keys())
    heartbeat.add({
      beat() {
        beats[n] = (beats[n] ?? 0) + 1;
      },
    });
  await clock.advance(1_000);
  expect(beats.filter((count) => count > 0)).toHaveLength(2);
  await clock.advance(14_000);
  expect(beats).toEqual(beats.map(() => 1));
  heartbeat.close();
});
