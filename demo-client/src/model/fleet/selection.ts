// Runs that the user has chosen, and the row that the keyboard is at. Pure.

export interface Selection {
  runs: ReadonlySet<string>;
  /** The run from which a range goes; the last one that was chosen or released by itself. */
  anchor: string | undefined;
}

export const NOTHING: Selection = { runs: new Set(), anchor: undefined };

export function toggleRun({ runs }: Selection, run: string): Selection {
  const next = new Set(runs);
  if (!next.delete(run)) next.add(run);
  return { runs: next, anchor: run };
}

/** All from the anchor to `run` in the order that is shown; without an anchor there: `run` alone. The anchor stays. */
export function extendTo({ runs, anchor }: Selection, order: readonly string[], run: string): Selection {
  const to = order.indexOf(run);
  const from = anchor === undefined ? -1 : order.indexOf(anchor);
  if (to < 0) return { runs, anchor };
  const range = from < 0 ? [run] : order.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { runs: new Set([...runs, ...range]), anchor: from < 0 ? run : anchor };
}

/** All of `order`, which match the filter, beside what was chosen before. */
export function chooseAll({ runs, anchor }: Selection, order: readonly string[]): Selection {
  return { runs: new Set([...runs, ...order]), anchor };
}

export function releaseAll({ runs, anchor }: Selection, order: readonly string[]): Selection {
  const released = new Set(order);
  return { runs: new Set([...runs].filter((run) => !released.has(run))), anchor };
}

/** Of `rows`, how many are chosen. */
export function countIn({ runs }: Selection, rows: readonly { run: string }[]): number {
  return runs.size === 0 ? 0 : rows.reduce((count, { run }) => count + Number(runs.has(run)), 0);
}

/** The index to go to: `step` beyond `at`, or the first or last where nothing is there yet. */
export function walk(at: number, step: number, count: number): number {
  if (at < 0) return step > 0 ? 0 : count - 1;
  return Math.max(0, Math.min(count - 1, at + step));
}
