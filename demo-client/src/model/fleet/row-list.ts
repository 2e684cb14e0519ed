// The rows that are shown, in order. What has changed since the last time is moved, and the other rows are left where they are. Pure.
import type { HistoryRun, RunId, SettledRun } from 'qmp-gateway/protocol';
import type { Tab } from './columns.js';
import { currentIn } from './current.js';
import { matcher } from './filter.js';
import type { Sort } from './listing.js';
import { changedSince, type Moment } from './moment.js';
import { type Known, type Paces, paceOf, type Row, rowOf, rowsOf } from './rows.js';
import { comparator } from './sort.js';

export interface Shown extends Moment {
  starts: Paces['starts'];
  unseen: ReadonlyMap<RunId, SettledRun>;
  past: ReadonlyMap<RunId, HistoryRun>;
  tab: Tab;
  sort: Sort;
  filter: string;
}

/** Of more changes than this share of the rows, one sort costs less than a move of each. */
const MANY = 1 / 16;

type Compare = (a: Row, b: Row) => number;
/** A row that was, and the one that takes its place. */
type Change = readonly [was: Row | undefined, row: Row | undefined];

export class RowList {
  readonly #all = new Map<RunId, Row>();
  /** All, and those that match the filter; without a filter both are one array. */
  #sorted: readonly Row[] = [];
  #rows: readonly Row[] = [];
  #matches = matcher('');
  #seen: Shown | undefined;
  readonly #compareBy: (sort: Sort) => Compare;

  constructor(compareBy: (sort: Sort) => Compare = comparator) {
    this.#compareBy = compareBy;
  }

  /** Rows of the tab before the filter. */
  get total(): number {
    return this.#all.size;
  }

  /** The array is never changed; where a row has, it is another one. */
  rowsAt(shown: Shown): readonly Row[] {
    const before = this.#seen;
    this.#seen = shown;
    const { tab, sort, filter } = shown;
    const isOtherFilter = before?.filter !== filter;
    if (isOtherFilter) this.#matches = matcher(filter);
    const isSameSort = before?.sort.by === sort.by && before.sort.down === sort.down;
    const changes = before?.tab === tab ? this.#follow(before, shown) : this.#fill(shown);
    const compare = this.#compareBy(sort);
    const isFew = isSameSort && changes !== undefined && changes.length <= this.#all.size * MANY;
    if (isFew) this.#sorted = withChanges(this.#sorted, changes, compare);
    else this.#sorted = (isSameSort && changes ? this.#inOldOrder(changes) : [...this.#all.values()]).sort(compare);
    if (filter === '') this.#rows = this.#sorted;
    else if (isFew && !isOtherFilter) this.#rows = withChanges(this.#rows, this.#matching(changes), compare);
    else this.#rows = this.#sorted.filter(this.#matches);
    return this.#rows;
  }

  /** What is almost in order is sorted quickly. */
  #inOldOrder(changes: readonly Change[]): Row[] {
    const rows: Row[] = [];
    for (const { run } of this.#sorted) {
      const row = this.#all.get(run);
      if (row) rows.push(row);
    }
    for (const [was, row] of changes) if (!was && row) rows.push(row);
    return rows;
  }

  /** Makes all rows. */
  #fill(shown: Shown): undefined {
    this.#all.clear();
    for (const row of rowsOf(knownOf(shown))) this.#all.set(row.run, row);
  }

  /** Makes the rows that may have changed; `undefined`: all were made. */
  #follow(before: Shown, shown: Shown): Change[] | undefined {
    const changed = changedSince(before, shown);
    if (changed === 'all') return this.#fill(shown);
    const runs = new Set([
      ...changed,
      ...differing(before.unseen, shown.unseen),
      ...differing(before.past, shown.past),
    ]);
    const known = knownOf(shown);
    if (before.now !== shown.now) for (const run of this.#lapsed(known)) runs.add(run);
    return [...runs].map((run) => {
      const was = this.#all.get(run);
      const row = rowOf(run, known);
      if (row) this.#all.set(run, row);
      else this.#all.delete(run);
      return [was, row];
    });
  }

  /** Runs whose rate has changed by time alone: its figures are old. */
  *#lapsed({ table, paces }: Known): Iterable<RunId> {
    for (const run of paces.trails.keys()) {
      const [row, job] = [this.#all.get(run), table.jobs.get(run)];
      if (row && job && row.rate !== paceOf(job, paces)) yield run;
    }
  }

  #matching(changes: readonly Change[]): Change[] {
    const ifShown = (row: Row | undefined): Row | undefined => (row && this.#matches(row) ? row : undefined);
    return changes.map(([was, row]) => [ifShown(was), ifShown(row)]);
  }
}

function knownOf(shown: Shown): Known {
  const { table, phase, tab, unseen, past, trails, starts, now } = shown;
  return { table, tab, unseen, past, paces: { trails, starts, now, isCurrent: currentIn(phase, table) } };
}

function* differing<V>(before: ReadonlyMap<RunId, V>, after: ReadonlyMap<RunId, V>): Iterable<RunId> {
  if (before === after) return;
  for (const [run, value] of before) if (after.get(run) !== value) yield run;
  for (const run of after.keys()) if (!before.has(run)) yield run;
}

function withChanges(sorted: readonly Row[], changes: readonly Change[], compare: Compare): readonly Row[] {
  const isSame = changes.every(([was, row]) => was === row);
  if (isSame) return sorted;
  const rows = [...sorted];
  for (const [was, row] of changes) {
    const at = was ? placeOf(rows, was, compare) : -1;
    if (was && row && fits(rows, at, row, compare)) rows[at] = row;
    else {
      if (was) rows.splice(at, 1);
      if (row) rows.splice(placeOf(rows, row, compare), 0, row);
    }
  }
  return rows;
}

/** The index of a row that is there, or at which it belongs. */
function placeOf(rows: readonly Row[], row: Row, compare: Compare): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(rows[middle] as Row, row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fits(rows: readonly Row[], at: number, row: Row, compare: Compare): boolean {
  const [above, below] = [rows[at - 1], rows[at + 1]];
  return (!above || compare(above, row) < 0) && (!below || compare(row, below) < 0);
}
