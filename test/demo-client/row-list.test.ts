// The rows in order, kept from frame to frame: the same as if all were made and sorted anew, at a cost of what has changed.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { COLUMN_KEYS } from '../../demo-client/src/model/fleet/columns.js';
import { currentIn } from '../../demo-client/src/model/fleet/current.js';
import { matcher } from '../../demo-client/src/model/fleet/filter.js';
import { LiveTable } from '../../demo-client/src/model/fleet/live-table.js';
import { countNeeding } from '../../demo-client/src/model/fleet/needs.js';
import { extend, newTrail, type Trail } from '../../demo-client/src/model/fleet/pace.js';
import { RowList, type Shown } from '../../demo-client/src/model/fleet/row-list.js';
import { paceOf, type Row, rowsOf, type Start } from '../../demo-client/src/model/fleet/rows.js';
import { comparator, sortRows } from '../../demo-client/src/model/fleet/sort.js';
import { Throughput } from '../../demo-client/src/model/fleet/throughput.js';
import { recordOf } from '../../src/history/record.js';
import type { Entry, HistoryRun, Job, Progress, SettledRun } from '../../src/protocol/index.js';
import { cutOf } from '../../src/protocol/job-table.js';
import { SNAPSHOT_SETTLED } from '../../src/protocol/limits.js';
import { countsBytes } from '../../src/protocol/words.js';
import { SETTLEMENT } from '../client/support/fixtures.js';
import { DAY, endedRun } from '../support/run-history.js';
import { endOf, jobOf, tableOf } from './fixtures.js';

const SOURCES = 5;
const sourceOf = (n: number): string => `vm${n % SOURCES}`;
const allUp = Object.fromEntries(Array.from({ length: SOURCES }, (_, n) => [sourceOf(n), 'up' as const]));

function jobAt(n: number, changes: Partial<Job> = {}): Job {
  const began = n % 7 === 0 ? {} : { began: `e:${(n % 40) + 1}` };
  return jobOf({ source: sourceOf(n), job: `drive${n % 90}`, run: `e:${n}`, offset: n % 100, ...began, ...changes });
}

/** The page without its views: a table, what is known beside it, and what is shown. */
function pageOf(count: number, changes: Partial<Shown> = {}) {
  const first = tableOf(
    Array.from({ length: count }, (_, n) => jobAt(n)),
    [endOf('old')],
    allUp,
  );
  const live = new LiveTable(cutOf(first));
  const trails = new Map<string, Trail>();
  const starts = new Map<string, Start>();
  const shown: Shown = {
    ...{ table: live.frame(), phase: 'open', trails, starts, now: 0, unseen: new Map(), past: new Map() },
    ...{ tab: 'active', sort: { by: 'attention', down: false }, filter: '', ...changes },
  };
  let offset = 1_000;
  return {
    live,
    shown,
    trails,
    starts,
    show: (changes: Partial<Shown>): void => void Object.assign(shown, changes),
    entry(type: string, n: number, data: object, hasJob = true): void {
      offset += 1;
      const job = hasJob && { job: { id: `drive${n % 90}`, run: `e:${n}` } };
      const entry = { offset, source: sourceOf(n), type, time: '2026-11-23T02:00:00Z', ...job, data } as Entry;
      live.apply([entry], `e:${offset}`);
      if (type === 'GATEWAY_JOB_SETTLED') trails.delete(`e:${n}`);
    },
    progress(ns: readonly number[], done: number): void {
      const rows = ns.map((n): Progress => ({ ...jobAt(n), len: 100, offset: done, speed: 0 }));
      for (const { run } of rows) {
        const trail = trails.get(run) ?? newTrail();
        extend(trail, shown.now, done * 1_000_003, 90);
        trails.set(run, trail);
      }
      live.measure(rows, '2026-11-23T03:00:00Z');
    },
    reset(jobs: readonly Job[]): void {
      live.reset(cutOf({ ...tableOf([...jobs], [endOf('later')], allUp), cursor: `e:${offset}` }));
      for (const run of trails.keys()) if (!live.jobs.has(run)) trails.delete(run);
    },
  };
}
type Page = ReturnType<typeof pageOf>;

function plainRows({ table, phase, trails, starts, now, unseen, past, tab, sort, filter }: Shown): Row[] {
  const paces = { trails, starts, now, isCurrent: currentIn(phase, table) };
  return sortRows(rowsOf({ table, paces, tab, unseen, past }), sort).filter(matcher(filter));
}

function plainThroughput({ table, phase, trails, now }: Shown): number {
  const paces = { trails, now, isCurrent: currentIn(phase, table) };
  const rates = [...table.jobs.values()].filter(({ type }) => countsBytes(type)).map((job) => paceOf(job, paces) ?? 0);
  return rates.reduce((sum, rate) => sum + Math.round(rate), 0);
}

const JOBS = 150;
const nth = fc.nat(JOBS + 10);
const end = (n: number): SettledRun => ({ ...endOf(`lost${n}`, { outcome: 'lost' }), run: `e:${n}` });
const record = (n: number): HistoryRun => recordOf(endedRun(`e:${n}`, 60, { job: `past${n}` }), DAY);
const status = fc.constantFrom('created', 'running', 'paused', 'ready', 'pending', 'null');
const outcome = fc.constantFrom('completed', 'failed', 'cancelled');
const step = fc.oneof<fc.Arbitrary<(page: Page) => void>[]>(
  fc.tuple(nth, status).map(
    ([n, to]) =>
      (page) =>
        page.entry('JOB_STATUS_CHANGE', n, { id: 'x', status: to }),
  ),
  fc.tuple(nth, outcome, fc.boolean()).map(([n, how, dismissed]) => (page) => {
    page.entry('GATEWAY_JOB_SETTLED', n, { ...SETTLEMENT, outcome: how, dismissed });
  }),
  fc.tuple(fc.array(nth, { maxLength: 6 }), fc.nat(100)).map(
    ([ns, done]) =>
      (page) =>
        page.progress(ns, done),
  ),
  fc.nat(9).map((n) => (page) => page.entry('GATEWAY_SOURCE_DOWN', n, { reason: 'eof' }, false)),
  fc.nat(9).map((n) => (page) => page.entry('GATEWAY_SOURCE_SYNCED', n, { jobs: 1 }, false)),
  fc.tuple(nth, fc.constantFrom('backup', 'stream')).map(([n, type]) => (page) => {
    page.live.detail([jobAt(n, { type: type as Job['type'] })]);
  }),
  fc.tuple(nth, fc.nat(50)).map(([n, at]) => (page) => {
    page.starts.set(`e:${n}`, { at, wasFound: false });
    page.live.touch([`e:${n}`]);
  }),
  fc.nat(15_000).map((ms) => (page) => page.show({ now: page.shown.now + ms })),
  fc.constantFrom<Shown['phase'][]>('open', 'waiting').map((phase) => (page) => page.show({ phase })),
  fc.constantFrom<Shown['tab'][]>('active', 'ended', 'all').map((tab) => (page) => page.show({ tab })),
  fc.tuple(fc.constantFrom(...COLUMN_KEYS), fc.boolean()).map(
    ([by, down]) =>
      (page) =>
        page.show({ sort: { by, down } }),
  ),
  fc.constantFrom('', 'drive1', 'is:ready', 'vm2').map((filter) => (page) => page.show({ filter })),
  fc.nat(20).map(
    (n) =>
      ({ shown, show }) =>
        show({ unseen: new Map([...shown.unseen, [`e:${900 + n}`, end(900 + n)]]) }),
  ),
  fc.nat(20).map(
    (n) =>
      ({ shown, show }) =>
        show({ past: new Map([...shown.past, [`e:${900 + n}`, record(900 + n)]]) }),
  ),
  // A frame that is not drawn.
  fc.constant((page: Page) => void page.live.frame()),
  fc.nat(4).map((n) => (page) => page.reset([...page.live.jobs.values()].slice(n))),
);
const history = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 });

describe('the rows that are kept', () => {
  it('are those that would be made, sorted and filtered anew, after any history', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const page = pageOf(JOBS);
        const list = new RowList();
        const throughput = new Throughput();
        for (const changes of [[], ...steps]) {
          for (const change of changes) change(page);
          const table = page.live.frame();
          page.shown.table = table;
          const shown = { ...page.shown };
          expect(list.rowsAt(shown)).toEqual(plainRows(shown));
          expect(list.total).toBe(plainRows({ ...shown, filter: '' }).length);
          expect(throughput.at(shown)).toBe(plainThroughput(shown));
          const live = [...table.jobs.values()];
          expect(table.tally.active).toBe(live.filter(({ settled }) => !settled).length);
          expect(table.tally.needing).toBe(countNeeding(live));
          expect([...table.jobsOf.values()].reduce((sum, count) => sum + count, 0)).toBe(live.length);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('leave with the oldest settlement, whose place the newest takes', () => {
    const old = Array.from({ length: SNAPSHOT_SETTLED }, (_, n) => endOf(`old${n}`));
    const live = new LiveTable(cutOf(tableOf([jobOf({ job: 'a' })], old)));
    const shown = { ...pageOf(0).shown, tab: 'ended' as const, table: live.frame() };
    const list = new RowList();
    expect(list.rowsAt(shown).some(({ job }) => job === 'old0')).toBe(true);
    const entry = { offset: 5, source: 'vm1', type: 'GATEWAY_JOB_SETTLED', time: null, job: { id: 'a', run: 'e:a' } };
    live.apply([{ ...entry, data: SETTLEMENT } as Entry], 'e:5');
    const rows = list.rowsAt({ ...shown, table: live.frame() });
    expect(rows).toHaveLength(SNAPSHOT_SETTLED);
    expect(rows.map(({ job }) => job)).toEqual(expect.arrayContaining(['a', 'old1']));
    expect(rows.some(({ job }) => job === 'old0')).toBe(false);
  });

  it('lose their rate by time alone, when the figures are old, and while the page is not connected', () => {
    const page = pageOf(100);
    const list = new RowList();
    const throughput = new Throughput();
    for (const now of [1_000, 2_000]) {
      page.show({ now });
      page.progress([3, 4], now / 1_000);
    }
    page.show({ table: page.live.frame() });
    const ratesAt = (changes: Partial<Shown>) => {
      const shown = { ...page.shown, ...changes };
      return [list.rowsAt(shown).filter(({ rate }) => rate !== undefined).length, throughput.at(shown)];
    };
    expect(ratesAt({})).toEqual([2, 2_000_006]);
    expect(ratesAt({ now: 60_000 })).toEqual([0, 0]);
    expect(ratesAt({})).toEqual([2, 2_000_006]);
    expect(ratesAt({ phase: 'waiting' })).toEqual([0, 0]);
  });

  it('are one array until something changes, and the array of before stays as it was', () => {
    const page = pageOf(100);
    const list = new RowList();
    const before = list.rowsAt({ ...page.shown });
    const copy = [...before];
    expect(list.rowsAt({ ...page.shown, now: 4_000 })).toBe(before);
    page.entry('JOB_STATUS_CHANGE', 99, { id: 'x', status: 'pending' });
    const after = list.rowsAt({ ...page.shown, now: 4_000, table: page.live.frame() });
    expect(after[0]?.run).toBe('e:99');
    expect(before).toEqual(copy);
  });
});

describe('a change among 10,000 jobs', () => {
  /** What one change costs: rows that are made, and comparisons of two rows. */
  function costOf(change: (page: Page) => void, changes: Partial<Shown> = {}) {
    const page = pageOf(10_000, changes);
    let compared = 0;
    const list = new RowList((sort) => {
      const compare = comparator(sort);
      return (a, b) => {
        compared += 1;
        return compare(a, b);
      };
    });
    const throughput = new Throughput();
    const before = list.rowsAt({ ...page.shown });
    throughput.at({ ...page.shown });
    const walks = [page.live.jobs, page.live.settled].flatMap((map) =>
      (['keys', 'values', 'entries', 'forEach', Symbol.iterator] as const).map((how) => vi.spyOn(map, how as 'keys')),
    );
    compared = 0;
    change(page);
    const table = page.live.frame();
    const after = list.rowsAt({ ...page.shown, table });
    throughput.at({ ...page.shown, table });
    for (const walk of walks) walk.mockRestore();
    const walked = walks.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    const same = new Set(before);
    return { compared, made: after.filter((row) => !same.has(row)).length, walked };
  }

  /** Those of one row: the search for its old and its new place, and its neighbours; 10,000 rows take 14 comparisons. */
  const ONE = 2 * 14 + 2;

  it.each([{}, { filter: 'drive' }])('of one state moves one row, and no map of jobs is walked: %j', (changes) => {
    const cost = costOf((page) => page.entry('JOB_STATUS_CHANGE', 5_000, { id: 'x', status: 'ready' }), changes);
    expect(cost).toMatchObject({ made: 1, walked: 0 });
    expect(cost.compared).toBeGreaterThan(0);
    expect(cost.compared).toBeLessThanOrEqual(ONE * (changes.filter === undefined ? 1 : 2));
  });

  it('of the figures of 20 makes 20 rows, wherever they go', () => {
    const runs = Array.from({ length: 20 }, (_, n) => n * 400);
    const measures = runs.map((n): Progress => ({ ...jobAt(n), len: 100, offset: (n / 400) * 5, speed: 0 }));
    const cost = costOf(({ live }) => live.measure(measures, ''), { sort: { by: 'progress', down: true } });
    expect(cost).toMatchObject({ made: 20, walked: 0 });
    expect(cost.compared).toBeGreaterThan(0);
    expect(cost.compared).toBeLessThanOrEqual(20 * ONE);
  });
});
