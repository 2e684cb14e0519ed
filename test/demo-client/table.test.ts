// The table of jobs: columns that fit, rows that are chosen, rows in sight; and the keys.
import { describe, expect, it } from 'vitest';
import { COLUMN_KEYS, fitColumns, TAB_COLUMNS, toggleColumn } from '../../demo-client/src/model/fleet/columns.js';
import {
  chooseAll,
  countIn,
  extendTo,
  NOTHING,
  releaseAll,
  toggleRun,
  walk,
} from '../../demo-client/src/model/fleet/selection.js';
import { mixed, rangeOf, scrollTo, uniform, whollyInSight } from '../../demo-client/src/model/page/heights.js';
import { ACTION_IDS, BINDINGS, chordOf, keyCaps, matchKeys } from '../../demo-client/src/model/page/keys.js';
import { findAll } from '../../demo-client/src/model/page/palette.js';
import { jobOf, tableOf } from './fixtures.js';

describe('the columns', () => {
  it.each([728, 984, 1_120, 1_600])(
    'of every tab fit %d px, with the job, its state, its progress, speed and ETA',
    (width) => {
      for (const tab of ['active', 'ended', 'all'] as const) {
        const fit = fitColumns(undefined, tab, width);
        expect(fit.minWidth, tab).toBeLessThanOrEqual(width);
        for (const key of TAB_COLUMNS[tab]) {
          const dispensable = tab === 'ended' ? ['progress', 'started', 'size'] : ['ended'];
          if (!['type', 'elapsed', ...dispensable].includes(key)) expect(fit.columns).toContain(key);
        }
        expect([...fit.columns, ...fit.hidden].sort()).toEqual([...TAB_COLUMNS[tab]].sort());
      }
    },
  );

  it('have a plot beside the speed where there is room for it', () => {
    expect(fitColumns(undefined, 'active', 1_120).hasSpark).toBe(true);
    expect(fitColumns(undefined, 'active', 728).hasSpark).toBe(false);
    expect(fitColumns(['job', 'type'], 'active', 1_120).hasSpark).toBe(false);
  });

  it('that were chosen are all shown, though they be wider than the window', () => {
    const fit = fitColumns(COLUMN_KEYS, 'active', 700);
    expect(fit.columns).toEqual(COLUMN_KEYS);
    expect(fit.minWidth).toBeGreaterThan(700);
  });

  it('come and go in their order, and the job stays', () => {
    expect(toggleColumn(['job', 'rate'], 'type')).toEqual(['job', 'type', 'rate']);
    expect(toggleColumn(['job', 'type', 'rate'], 'type')).toEqual(['job', 'rate']);
    expect(toggleColumn(['job'], 'job')).toEqual(['job']);
  });
});

describe('choosing rows', () => {
  const order = ['a', 'b', 'c', 'd', 'e'];
  const chosen = (selection: typeof NOTHING) => [...selection.runs].sort();

  it('takes one and gives it back', () => {
    const one = toggleRun(NOTHING, 'b');
    expect(chosen(one)).toEqual(['b']);
    expect(chosen(toggleRun(one, 'b'))).toEqual([]);
  });

  it('takes a range from the one that was chosen last, up or down, and again from there', () => {
    const one = toggleRun(NOTHING, 'c');
    expect(chosen(extendTo(one, order, 'e'))).toEqual(['c', 'd', 'e']);
    expect(chosen(extendTo(extendTo(one, order, 'e'), order, 'a'))).toEqual(order);
  });

  it('takes one alone where the range has no beginning in this list', () => {
    expect(chosen(extendTo(NOTHING, order, 'b'))).toEqual(['b']);
    expect(chosen(extendTo(toggleRun(NOTHING, 'elsewhere'), order, 'b'))).toEqual(['b', 'elsewhere']);
    expect(extendTo(NOTHING, order, 'gone')).toEqual(NOTHING);
  });

  it('takes all that match, and keeps those that the filter hides', () => {
    const all = chooseAll(toggleRun(NOTHING, 'hidden'), order);
    expect(
      countIn(
        all,
        order.map((run) => ({ run })),
      ),
    ).toBe(5);
    expect(chosen(releaseAll(all, order))).toEqual(['hidden']);
  });

  it('walks within the list', () => {
    expect([walk(-1, 1, 5), walk(-1, -1, 5), walk(4, 1, 5), walk(2, -10, 5)]).toEqual([0, 4, 4, 0]);
  });
});

describe.each([
  ['of one height', uniform(1_000, 40)],
  ['of several heights', mixed(Array.from({ length: 1_000 }, () => 40))],
])('rows %s', (_what, heights) => {
  it('are in sight by the scroll position', () => {
    expect(heights.total).toBe(40_000);
    expect(rangeOf(heights, 0, 400)).toEqual({ first: 0, last: 17 });
    expect(rangeOf(heights, 4_000, 400)).toEqual({ first: 94, last: 117 });
    expect(rangeOf(heights, 50_000, 400)).toEqual({ first: 993, last: 1_000 });
  });

  it('are where the keyboard begins, if nothing of them is hidden', () => {
    expect(whollyInSight(heights, 0, 400)).toEqual({ first: 0, last: 9 });
    expect(whollyInSight(heights, 10, 400)).toEqual({ first: 1, last: 9 });
    expect(whollyInSight(heights, 40, 410)).toEqual({ first: 1, last: 10 });
    expect(whollyInSight(heights, 39_600, 400)).toEqual({ first: 990, last: 999 });
    expect(whollyInSight(heights, 39_970, 900)).toEqual({ first: 999, last: 999 });
    expect(whollyInSight(heights, 50, 20)).toEqual({ first: 2, last: 2 });
  });

  it('are brought into sight by the shortest way', () => {
    expect(scrollTo(heights, 5, 0, 400)).toBeUndefined();
    expect(scrollTo(heights, 5, 400, 400)).toBe(200);
    expect(scrollTo(heights, 20, 0, 400)).toBe(440);
  });
});

it('rows of different heights lie one below the other', () => {
  const heights = mixed([40, 92, 92, 40]);
  expect([0, 1, 2, 3, 4].map(heights.topOf)).toEqual([0, 40, 132, 224, 264]);
  expect([0, 39, 40, 131, 132, 263, 999].map(heights.indexAt)).toEqual([0, 0, 1, 1, 2, 3, 3]);
  expect(rangeOf(mixed([]), 0, 100)).toEqual({ first: 0, last: 0 });
});

describe('the keys', () => {
  const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', true>> = {}) =>
    chordOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });
  const all = () => true;

  it('are written as the table has them', () => {
    expect(press('?', { shiftKey: true })).toBe('?');
    expect(press(' ')).toBe('Space');
    expect(press('ArrowDown', { shiftKey: true })).toBe('Shift ArrowDown');
    expect(press('k', { metaKey: true })).toBe('Ctrl k');
    expect(press('K', { ctrlKey: true, shiftKey: true })).toBe('Ctrl k');
  });

  it('stand for one action each, and none hides behind a sequence', () => {
    const keys = ACTION_IDS.flatMap((id) => [...BINDINGS[id].keys] as string[]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.filter((each) => keys.some((other) => other.startsWith(`${each} `)))).toEqual([]);
    for (const id of ACTION_IDS)
      for (const each of BINDINGS[id].keys) expect(matchKeys(each, all)).toEqual({ kind: 'action', id });
  });

  it('of a sequence wait for the next one', () => {
    expect(matchKeys('g', all)).toEqual({ kind: 'begun' });
    expect(matchKeys('g e', all)).toEqual({ kind: 'action', id: 'events' });
    expect(matchKeys('g q', all)).toEqual({ kind: 'none' });
  });

  it('do nothing where their action is not offered', () => {
    expect(matchKeys('a', (id) => id !== 'abort')).toEqual({ kind: 'none' });
    expect(matchKeys('g', (id) => id === 'help')).toEqual({ kind: 'none' });
  });

  it('are printed as on a keyboard', () => {
    expect(keyCaps('Ctrl k')).toEqual(['Ctrl', 'K']);
    expect(keyCaps('g f')).toEqual(['g', 'f']);
    expect(keyCaps('Shift ArrowDown')).toEqual(['Shift', '↓']);
  });
});

describe('the palette', () => {
  const table = tableOf([jobOf({ job: 'drive0' }), jobOf({ source: 'vm2', job: 'evening', run: 'e:2' })]);
  const labels = (text: string) => findAll(text, ['help', 'events', 'palette'], table).map(({ label }) => label);

  it('has all that can be done, and does not offer itself', () => {
    expect(labels('')).toEqual(['Show all keys', 'Events']);
  });

  it('finds actions, jobs and sources by name, those that begin with it first', () => {
    expect(labels('eve')).toEqual(['Events', 'evening', 'Show all keys']);
    expect(labels('vm1')).toEqual(['vm1', 'drive0']);
    expect(labels('drive vm1')).toEqual(['drive0']);
    expect(labels('nothing')).toEqual([]);
  });
});
