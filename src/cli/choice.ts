// The chosen row of a list whose rows come and go, and which rows are visible. Pure.

/** Identifies a row: its run, and its job, of which there may be a new run. */
export interface RowName {
  readonly run: string;
  readonly source: string;
  readonly job: string;
}

export interface Choice extends RowName {
  /** Its place in the list, from 0. */
  readonly at: number;
}

/** The same run; if it is gone, a run of the same job, since a restarted gateway names runs anew; else the row that is in its place now. */
export function keepChoice(before: Choice | undefined, rows: readonly RowName[]): Choice | undefined {
  const same = rows.findIndex(({ run }) => run === before?.run);
  const heir = rows.findIndex(({ source, job }) => source === before?.source && job === before?.job);
  return choose(rows, same >= 0 ? same : heir >= 0 ? heir : (before?.at ?? 0));
}

/** The row `by` further, stopping at the ends. */
export const moveChoice = (before: Choice | undefined, rows: readonly RowName[], by: number): Choice | undefined =>
  choose(rows, (before?.at ?? 0) + by);

function choose(rows: readonly RowName[], wanted: number): Choice | undefined {
  const at = Math.max(0, Math.min(rows.length - 1, wanted));
  const row = rows[at];
  return row && { run: row.run, source: row.source, job: row.job, at };
}

/** The first visible row, such that the chosen one is visible and the list scrolls as little as possible. */
export function scrollTo(first: number, chosen: number, count: number, room: number): number {
  const kept = Math.max(chosen - room + 1, Math.min(first, chosen));
  return Math.max(0, Math.min(kept, count - room));
}
