// How many calls one libvirtd may owe: never so many that other people's calls are not served.
import { describe, expect, it } from 'vitest';
import { CallBudget, type CallLane, type Place } from '../../../src/sources/libvirt/budget.js';
import { FakeClock } from '../../support/fake-clock.js';

function open(limits = {}) {
  const clock = new FakeClock();
  const filled: boolean[] = [];
  const budget = new CallBudget(clock, limits, (is) => filled.push(is));
  const granted: string[] = [];
  const late: string[] = [];
  const places = new Map<string, Place>();
  const request = (name: string, lane: CallLane = 'query'): (() => void) =>
    budget.request(
      lane,
      (place) => {
        granted.push(name);
        places.set(name, place);
      },
      () => late.push(name),
    );
  return { clock, budget, filled, granted, late, request, release: (name: string) => places.get(name)?.release() };
}

describe('a budget of calls', () => {
  it('has three places, and one more for aborts', () => {
    const { granted, request, release } = open();
    for (const name of ['a', 'b', 'c', 'd']) request(name);
    request('abort', 'abort');
    request('abort 2', 'abort');
    expect(granted).toEqual(['a', 'b', 'c', 'abort']);
    release('abort');
    expect(granted.at(-1)).toBe('abort 2');
    release('a');
    expect(granted.at(-1)).toBe('d');
  });

  it('serves aborts first, then verbs, then queries', () => {
    const { granted, request, release } = open({ fresh: 1, aborts: 0 });
    request('running');
    request('query');
    request('verb', 'verb');
    request('abort', 'abort');
    for (const name of ['running', 'abort', 'verb']) release(name);
    expect(granted).toEqual(['running', 'abort', 'verb', 'query']);
  });

  it('moves a call that is unanswered for 5 s to the held ones, so that fresh calls keep their places', async () => {
    const { clock, granted, late, request, budget } = open();
    for (const name of ['a', 'b', 'c']) request(name);
    await clock.advance(4_999);
    request('d');
    expect(granted).toEqual(['a', 'b', 'c']);
    await clock.advance(1);
    expect(granted).toEqual(['a', 'b', 'c', 'd']);
    expect(late).toEqual(['a', 'b', 'c']);
    expect(budget.counts).toEqual({ fresh: 1, held: 3, maxHeld: 8 });
  });

  it('owes at most twelve in all, says that the held places are taken, and goes on with the first answer', async () => {
    const { clock, granted, filled, request, release, budget } = open();
    for (let at = 0; at < 20; at += 1) {
      request(`stopped ${at}`, at % 2 ? 'abort' : 'query');
      await clock.advance(5_000);
    }
    expect(granted).toHaveLength(12);
    expect(budget.counts).toEqual({ fresh: 4, held: 8, maxHeld: 8 });
    expect(filled).toEqual([true]);
    await clock.advance(3_600_000);
    expect(granted).toHaveLength(12);
    // A held call is answered: one that is overdue takes its place, and a fresh place is free.
    release('stopped 0');
    expect(granted).toHaveLength(13);
    // Aborts wait before queries, so a second pass releases what the first one let in.
    for (let at = 2; at < 40; at += 1) release(`stopped ${at % 20}`);
    expect(granted).toHaveLength(20);
    expect(budget.counts).toEqual({ fresh: 0, held: 0, maxHeld: 8 });
    expect(filled).toEqual([true, false]);
  });

  it('grants nothing to who has withdrawn, and a place is released once', () => {
    const { granted, request, release, budget } = open({ fresh: 1, aborts: 0 });
    request('a');
    const withdraw = request('b');
    request('c');
    withdraw();
    release('a');
    release('a');
    expect(granted).toEqual(['a', 'c']);
    expect(budget.counts).toEqual({ fresh: 1, held: 0, maxHeld: 8 });
  });
});
