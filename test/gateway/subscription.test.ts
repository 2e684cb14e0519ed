// The states of a subscription, and what it refuses: a frame counted twice or a position that goes back would be a gap or a duplicate.
import { describe, expect, it } from 'vitest';
import { ALL_GRANTS } from '../../src/access/index.js';
import { compileFilter } from '../../src/gateway/fan-out/filter.js';
import type { Snapshot } from '../../src/gateway/fan-out/snapshot.js';
import { Subscription } from '../../src/gateway/fan-out/subscription.js';
import { FarEnd } from '../support/far-end.js';

const snapshotOf = (pages: number): Snapshot => ({
  cursor: 'e:5',
  sources: '[]',
  pages: Array.from({ length: pages }, () => ({ jobs: '[]', settled: '[]' })),
  resets: new Map(),
});

const open = (start: { snapshot?: Snapshot; formerly?: string } = {}): Subscription =>
  new Subscription({
    peer: { outbox: new FarEnd().outbox, advanced: () => undefined },
    filter: compileFilter({}, ALL_GRANTS),
    progressMs: undefined,
    examined: 5,
    ...start,
  });

const live = (): Subscription => {
  const subscription = open();
  subscription.goLive(3);
  return subscription;
};

describe('a subscription', () => {
  it('begins behind, reads on, goes live, gets frames, and is parked at its position', () => {
    const subscription = open();
    expect(subscription.state.kind).toBe('behind');
    subscription.advanceTo(9);
    subscription.goLive(3);
    expect([subscription.isLive, subscription.nextFrame]).toEqual([true, 3]);
    subscription.take(10);
    expect([subscription.examined, subscription.nextFrame]).toEqual([10, 4]);
    subscription.skipTo(4);
    expect(subscription.nextFrame).toBe(4);
    subscription.park();
    expect([subscription.state.kind, subscription.examined]).toEqual(['behind', 10]);
  });

  it('is paging while a snapshot of several pages is not out, then behind', () => {
    expect(open({ snapshot: snapshotOf(1) }).state.kind).toBe('behind');
    const subscription = open({ snapshot: snapshotOf(3) });
    for (const next of [0, 1, 2]) {
      expect(subscription.state).toMatchObject({ kind: 'paging', next });
      subscription.turnPage();
    }
    expect(subscription.state.kind).toBe('behind');
  });

  it('is regranted until a reset brings the present', () => {
    const subscription = open({ formerly: 'before' });
    expect(subscription.state.kind).toBe('regranted');
    subscription.reset(snapshotOf(2), 12);
    expect(subscription.state).toMatchObject({ kind: 'paging', next: 0 });
    expect(subscription.examined).toBe(12);
  });

  it('that is regranted when the log goes on with lower offsets is reset to those', () => {
    const subscription = open({ formerly: 'before' });
    subscription.void();
    expect(subscription.state.kind).toBe('regranted');
    subscription.reset(snapshotOf(1), 2);
    expect(subscription.examined).toBe(2);
    expect(() => subscription.advanceTo(1)).toThrow();
  });

  const refused: Record<string, [Subscription, (subscription: Subscription) => void]> = {
    'to go live twice': [live(), (each) => each.goLive(4)],
    'to go live before its snapshot is out': [open({ snapshot: snapshotOf(2) }), (each) => each.goLive(1)],
    'to go live before its client knows its id': [open({ formerly: 'before' }), (each) => each.goLive(1)],
    'to be parked while it is behind': [open(), (each) => each.park()],
    'to take a frame while it is behind': [open(), (each) => each.take(6)],
    'to skip frames while it is behind': [open(), (each) => each.skipTo(6)],
    'to read the log while it is live': [live(), (each) => each.advanceTo(6)],
    'to go back': [open(), (each) => each.advanceTo(4)],
    'to turn a page without one': [open(), (each) => each.turnPage()],
    'a reset to a place before its own': [open({ formerly: 'before' }), (each) => each.reset(snapshotOf(1), 4)],
    'a reset while it is live': [live(), (each) => each.reset(snapshotOf(1), 9)],
  };
  it.each(Object.keys(refused))('refuses %s', (name) => {
    const [subscription, act] = refused[name] ?? expect.fail();
    const { state, examined, nextFrame } = subscription;
    expect(() => act(subscription)).toThrow(/^a subscription /);
    expect([subscription.state, subscription.examined, subscription.nextFrame]).toEqual([state, examined, nextFrame]);
  });

  it('does nothing more once it has ended', () => {
    const subscription = live();
    subscription.end();
    for (const act of [
      () => subscription.goLive(1),
      () => subscription.park(),
      () => subscription.take(9),
      () => subscription.advanceTo(9),
      () => subscription.reset(snapshotOf(1), 9),
    ])
      expect(act).toThrow('a subscription that is ended');
    expect(subscription.state.kind).toBe('ended');
  });
});
