import { describe, expect, it } from 'vitest';
import type { Tab } from '../../demo-client/src/model/fleet/columns.js';
import { currentIn } from '../../demo-client/src/model/fleet/current.js';
import { matcher } from '../../demo-client/src/model/fleet/filter.js';
import { itemsOf } from '../../demo-client/src/model/fleet/groups.js';
import { UNFOLDED } from '../../demo-client/src/model/fleet/listing.js';
import { type Known, type Paces, type Row, rowsOf as rowsOfKnown } from '../../demo-client/src/model/fleet/rows.js';
import { sortRows } from '../../demo-client/src/model/fleet/sort.js';
import { summarize } from '../../demo-client/src/model/fleet/summary.js';
import type { JobTable } from '../../src/client/index.js';
import type { Job } from '../../src/protocol/types.js';
import { endOf, frameOf, jobOf, tableOf } from './fixtures.js';

const trails = new Map([['e:drive2', { at: [0, 1_000], offset: [0, 10] }]]);
const JOBS: Job[] = [
  jobOf({ job: 'drive10', offset: 90 }),
  jobOf({ job: 'drive2', offset: 10 }),
  jobOf({ job: 'stuck', status: 'paused', ioStatus: 'nospace', type: 'backup' }),
  jobOf({ job: 'synced', status: 'ready', len: 100, offset: 100 }),
];
const table = tableOf(JOBS, [endOf('old', { outcome: 'failed' })]);
const paces: Paces = { trails, isCurrent: () => true, starts: new Map(), now: 1_000 };
const rowsOf = (table: JobTable, paces: Paces, tab: Tab, more: Partial<Known> = {}): Row[] =>
  rowsOfKnown({ table, paces, tab, unseen: new Map(), past: new Map(), ...more });
const names = (tab: Tab) => rowsOf(table, paces, tab).map(({ job }) => job);
const active = rowsOf(table, paces, 'active');

describe('rows', () => {
  it('are the live jobs, the ended ones, or all', () => {
    expect(names('active')).toEqual(['drive10', 'drive2', 'stuck', 'synced']);
    expect(names('ended')).toEqual(['old']);
    expect(names('all')).toHaveLength(5);
    expect(
      rowsOf(table, paces, 'ended', { unseen: new Map([['e:unseen', endOf('unseen')]]) }).map(({ job }) => job),
    ).toContain('unseen');
  });

  it('have a rate and an ETA only while running', () => {
    expect(active.map(({ rate, etaMs }) => [rate, etaMs])).toEqual([
      [undefined, undefined],
      [10, 9_000],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('have none of it while offline, nor of a source that is away', () => {
    const away = (phase: 'open' | 'waiting', state: 'up' | 'down') => {
      const now = { ...table, sources: tableOf([], [], { vm1: state }).sources };
      const rows = rowsOf(now, { ...paces, isCurrent: currentIn(phase, now) }, 'active');
      return rows.map(({ rate, etaMs }) => rate ?? etaMs).filter((figure) => figure !== undefined);
    };
    expect(away('open', 'up')).toEqual([10]);
    expect(away('waiting', 'up')).toEqual([]);
    expect(away('open', 'down')).toEqual([]);
  });

  it('of one that has ended and holds its id have the time of its end', () => {
    const end = { ...endOf('held', { dismissed: false }), time: '2026-11-23T01:00:00.000000Z' };
    const held = jobOf({ job: 'held', status: 'concluded', settled: end.settled, updated: '2026-11-23T09:00:00Z' });
    const [row] = rowsOf(tableOf([held], [end]), paces, 'active');
    expect(row?.ended?.at).toBe(Date.parse('2026-11-23T01:00:00Z'));
  });

  it('say an unknown pivot without alarm', () => {
    const [row] = rowsOf(tableOf([], [endOf('x', { pivoted: 'unknown' })]), paces, 'ended');
    expect(row?.attention).toMatchObject({ mark: 'unclear', label: 'Pivot unknown' });
  });

  it('have what is stopped first, then what runs in natural order, then what is READY', () => {
    const sorted = sortRows(active, { by: 'attention', down: false });
    expect(sorted.map(({ job }) => job)).toEqual(['stuck', 'drive2', 'drive10', 'synced']);
  });

  it('are in the order in which live runs began, whose times are not yet known, after those that have ended', () => {
    const began = [jobOf({ job: 'b', began: 'e:20' }), jobOf({ job: 'a', began: 'e:100' }), jobOf({ job: 'none' })];
    const rows = rowsOf(tableOf(began, [endOf('over')]), paces, 'all');
    const order = (by: 'started' | 'elapsed', down: boolean) => sortRows(rows, { by, down }).map(({ job }) => job);
    expect(order('started', true).slice(0, 2)).toEqual(['a', 'b']);
    expect(order('elapsed', true).slice(0, 2)).toEqual(['b', 'a']);
    expect(order('started', false).at(-1)).toBe('over');
  });

  it('of one that has ended have no remaining time under which its end could stand', () => {
    const [row] = rowsOf(tableOf([], [{ ...endOf('x'), time: '2026-11-23T01:00:00Z' }]), paces, 'ended');
    expect(row).toMatchObject({ etaMs: undefined, ended: { at: Date.parse('2026-11-23T01:00:00Z') } });
  });

  it('of one whose beginning the page saw have its duration, without a history too', () => {
    const end = { ...endOf('x'), time: '2026-11-23T01:00:00Z' };
    const took = (wasFound: boolean) => {
      const starts = new Map([['e:x', { at: Date.parse(end.time) - 5_000, wasFound }]]);
      return rowsOf(tableOf([], [end]), { ...paces, starts }, 'ended')[0]?.ended?.tookMs;
    };
    expect(took(false)).toBe(5_000);
    expect(took(true)).toBeNull();
  });

  it('under the heads of their sources have their totals, and a closed group keeps its rows to itself', () => {
    const rows = sortRows(
      rowsOf(tableOf([...JOBS, jobOf({ source: 'vm10', job: 'x', run: 'e:x' })]), paces, 'active'),
      { by: 'job', down: false },
    );
    const heads = (items: ReturnType<typeof itemsOf>) => items.flatMap((item) => (item.kind === 'group' ? [item] : []));
    const open = itemsOf(rows, UNFOLDED);
    expect(open.map((item) => (item.kind === 'group' ? item.source : item.job))).toEqual([
      ...['vm1', 'drive2', 'drive10', 'stuck', 'synced'],
      ...['vm10', 'x'],
    ]);
    expect(heads(open)[0]).toMatchObject({ rows: 4, running: 2, attention: 1, ready: 1, bytesPerSecond: 10 });
    const closed = itemsOf(rows, { allClosed: false, but: ['vm1'] });
    expect(closed).toHaveLength(3);
    expect(heads(closed)[0]).toMatchObject({ rows: 4, isClosed: true });
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
    ['is:needs-you', 1],
    ['is:space', 1],
    ['source:vm1 stuck', 1],
    ['source:vm2', 0],
    ['job:vm1', 0],
  ])('match %j: %d', (text, count) => expect(active.filter(matcher(text))).toHaveLength(count));
});

it('sums up the fleet', () => {
  expect(summarize(frameOf(table), 10)).toEqual({
    ...{ up: 1, sources: 1, active: 4, needing: 1, ready: 1, bytesPerSecond: 10 },
  });
});
