import { describe, expect, it } from 'vitest';
import { newTrail } from '../../demo-client/src/model/pace.js';
import { matcher, rowsOf, sortRows, type View } from '../../demo-client/src/model/rows.js';
import { summarize } from '../../demo-client/src/model/summary.js';
import type { Job } from '../../src/protocol/types.js';
import { endOf, jobOf, tableOf } from './fixtures.js';

const trails = new Map([['e:drive2', { at: [0, 1_000], offset: [0, 10] }]]);
const JOBS: Job[] = [
  jobOf({ job: 'drive10', offset: 90 }),
  jobOf({ job: 'drive2', offset: 10 }),
  jobOf({ job: 'stuck', status: 'paused', ioStatus: 'nospace', type: 'backup' }),
  jobOf({ job: 'synced', status: 'ready', len: 100, offset: 100 }),
];
const table = tableOf(JOBS, [endOf('old', { outcome: 'failed' })]);
const names = (view: View) => rowsOf(table, trails, view).map(({ job }) => job);
const active = rowsOf(table, trails, 'active');

describe('rows', () => {
  it('are the live jobs, the ended ones, or all', () => {
    expect(names('active')).toEqual(['drive10', 'drive2', 'stuck', 'synced']);
    expect(names('ended')).toEqual(['old']);
    expect(names('all')).toHaveLength(5);
    expect(rowsOf(table, trails, 'ended', new Map([['x', endOf('unseen')]])).map(({ job }) => job)).toContain('unseen');
  });

  it('have a rate and an ETA only while running', () => {
    expect(active.map(({ rate, etaMs }) => [rate, etaMs])).toEqual([
      [undefined, undefined],
      [10, 9_000],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('sort by gravity first, then in natural order', () => {
    const sorted = sortRows(active, { by: 'attention', down: false });
    expect(sorted.map(({ job }) => job)).toEqual(['stuck', 'synced', 'drive2', 'drive10']);
  });

  it('put rows without a figure last in both directions', () => {
    for (const down of [true, false]) expect(sortRows(active, { by: 'rate', down })[0]?.job).toBe('drive2');
    expect(sortRows(active, { by: 'progress', down: true }).map(({ job }) => job)[0]).toBe('synced');
  });

  it.each([
    ['', 4],
    ['drive', 2],
    ['DRIVE2', 1],
    ['type:mirror', 3],
    ['type:mirror is:ready', 1],
    ['is:attention', 2],
    ['is:space', 1],
    ['source:vm1 stuck', 1],
    ['source:vm2', 0],
    ['job:vm1', 0],
  ])('match %j: %d', (text, count) => expect(active.filter(matcher(text))).toHaveLength(count));
});

it('sums up the fleet', () => {
  expect(summarize(table, new Map([...trails, ['none', newTrail()]]))).toEqual({
    ...{ up: 1, sources: 1, active: 4, attention: 1, ready: 1, bytesPerSecond: 10 },
  });
});
