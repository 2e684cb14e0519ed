import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tab } from '../../demo-client/src/model/fleet/columns.js';
import { currentIn } from '../../demo-client/src/model/fleet/current.js';
import { matcher } from '../../demo-client/src/model/fleet/filter.js';
import { itemsOf } from '../../demo-client/src/model/fleet/groups.js';
import { UNFOLDED } from '../../demo-client/src/model/fleet/listing.js';
import { newTrail } from '../../demo-client/src/model/fleet/pace.js';
import { type Paces, type Row, RowBook, rowsOf } from '../../demo-client/src/model/fleet/rows.js';
import { resortRows, sortRows } from '../../demo-client/src/model/fleet/sort.js';
import { summarize } from '../../demo-client/src/model/fleet/summary.js';
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
const paces: Paces = { trails, isCurrent: () => true, starts: new Map(), now: 1_000 };
const names = (tab: Tab) => rowsOf(table, paces, tab).map(({ job }) => job);
const active = rowsOf(table, paces, 'active');

describe('rows', () => {
  it('are the live jobs, the ended ones, or all', () => {
    expect(names('active')).toEqual(['drive10', 'drive2', 'stuck', 'synced']);
    expect(names('ended')).toEqual(['old']);
    expect(names('all')).toHaveLength(5);
    expect(rowsOf(table, paces, 'ended', new Map([['x', endOf('unseen')]])).map(({ job }) => job)).toContain('unseen');
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
    const heads = (items: ReturnType<typeof itemsOf>) =>
      items.flatMap((item) => (item.kind === 'group' ? [item.group] : []));
    const open = itemsOf(rows, UNFOLDED);
    expect(open.map((item) => (item.kind === 'group' ? item.group.source : item.row.job))).toEqual([
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
  expect(summarize(table, { ...paces, trails: new Map([...trails, ['none', newTrail()]]) })).toEqual({
    ...{ up: 1, sources: 1, active: 4, attention: 1, ready: 1, bytesPerSecond: 10 },
  });
});

describe('rows that are kept', () => {
  it('are the same objects where nothing about them has changed, and new where something has', () => {
    const book = new RowBook();
    const rowsAt = (now: typeof table, at: Paces = paces) => rowsOf(now, at, 'all', new Map(), new Map(), book);
    const first = rowsAt(table);
    expect(rowsAt({ ...table, jobs: new Map(table.jobs) }).every((row, n) => row === first[n])).toBe(true);
    const moved = tableOf([{ ...(JOBS[0] as Job), offset: 95 }, ...JOBS.slice(1)], [...table.settled.values()]);
    expect(rowsAt({ ...moved, settled: table.settled }).map((row, n) => row === first[n])).toEqual([
      false,
      ...first.slice(1).map(() => true),
    ]);
  });

  it('lose their rate when the figures are old or the source does not answer', () => {
    const book = new RowBook();
    const rateAt = (at: Partial<Paces>) =>
      rowsOf(table, { ...paces, ...at }, 'active', new Map(), new Map(), book).find(({ job }) => job === 'drive2')
        ?.rate;
    expect(rateAt({})).toBe(10);
    expect(rateAt({ now: 60_000 })).toBeUndefined();
    expect(rateAt({})).toBe(10);
    expect(rateAt({ isCurrent: () => false })).toBeUndefined();
  });

  it('are in the same order as if all were sorted anew, whatever has changed', () => {
    const states = ['running', 'paused', 'ready', 'pending'] as const;
    // A few of 24 jobs at a time, so that the others are merged and not sorted; a job that is `gone` leaves or comes back.
    const change = fc.record({
      n: fc.nat(23),
      offset: fc.nat(4),
      state: fc.constantFrom(...states),
      gone: fc.boolean(),
    });
    const columns = fc.constantFrom('attention', 'job', 'progress', 'state', 'rate', 'started');
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 6 }),
        columns,
        fc.boolean(),
        (steps, by, down) => {
          const book = new RowBook();
          const jobs = new Map(Array.from({ length: 24 }, (_, n) => [n, jobOf({ job: `d${n}`, offset: n % 5 })]));
          let before: Row[] = [];
          for (const changes of [[], ...steps]) {
            for (const { n, offset, state, gone } of changes) {
              if (gone && jobs.has(n)) jobs.delete(n);
              else jobs.set(n, jobOf({ job: `d${n}`, offset, status: state }));
            }
            const rows = rowsOf(tableOf([...jobs.values()]), paces, 'active', new Map(), new Map(), book);
            before = resortRows(before, rows, { by, down });
            expect(before.map(({ job }) => job)).toEqual(sortRows(rows, { by, down }).map(({ job }) => job));
          }
        },
      ),
    );
  });
});
