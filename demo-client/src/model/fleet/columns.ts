// The columns of the table of jobs: their order, their names, and which of them fit a width. Pure.

export type Tab = 'active' | 'ended' | 'all';

export const COLUMN_KEYS = [
  'job',
  'source',
  'type',
  'size',
  'state',
  'progress',
  'rate',
  'eta',
  'started',
  'elapsed',
  'ended',
  'attention',
] as const;
export type ColumnKey = (typeof COLUMN_KEYS)[number];

interface Column {
  label: string;
  /** Another name where all runs have ended. */
  ended?: string;
  /** Least width in CSS pixels. */
  width: number;
  /** Share of the width that is left over. */
  grow: number;
  isNumeric?: true;
}

export const COLUMNS: Readonly<Record<ColumnKey, Column>> = {
  job: { label: 'Job', width: 140, grow: 3 },
  source: { label: 'Source', width: 96, grow: 2 },
  type: { label: 'Type', width: 60, grow: 0.4 },
  size: { label: 'Size', width: 74, grow: 0.3, isNumeric: true },
  state: { label: 'Status', ended: 'Outcome', width: 82, grow: 0.4 },
  progress: { label: 'Progress', width: 108, grow: 3 },
  rate: { label: 'Speed', width: 84, grow: 0.6, isNumeric: true },
  eta: { label: 'ETA', width: 84, grow: 0.3, isNumeric: true },
  started: { label: 'Started', width: 100, grow: 0.3, isNumeric: true },
  elapsed: { label: 'Elapsed', ended: 'Duration', width: 88, grow: 0.3, isNumeric: true },
  ended: { label: 'Ended', width: 100, grow: 0.3, isNumeric: true },
  attention: { label: 'Attention', ended: 'Note', width: 104, grow: 3 },
};

export const TAB_COLUMNS: Readonly<Record<Tab, readonly ColumnKey[]>> = {
  active: ['job', 'type', 'state', 'progress', 'rate', 'eta', 'elapsed', 'attention'],
  ended: ['job', 'type', 'size', 'state', 'progress', 'started', 'elapsed', 'ended', 'attention'],
  all: ['job', 'type', 'state', 'progress', 'rate', 'eta', 'elapsed', 'ended', 'attention'],
};

/** Left out where the width does not suffice, in this order. The others always stay. */
const DISPENSABLE: Readonly<Record<Tab, readonly ColumnKey[]>> = {
  active: ['type', 'elapsed', 'progress'],
  ended: ['type', 'progress', 'started', 'size', 'elapsed'],
  all: ['type', 'elapsed', 'ended', 'progress'],
};

/** The box to choose a row with, the gap between columns, and the padding at both ends, in CSS pixels. The menu's button is in the padding. */
const BOX = 20;
const GAP = 12;
const PADDING = 32;
/** A plot beside the speed. */
const SPARK = 82;

const leastWidth = (columns: readonly ColumnKey[]): number =>
  BOX + PADDING + columns.reduce((sum, key) => sum + GAP + COLUMNS[key].width, 0);

export interface Fit {
  columns: readonly ColumnKey[];
  /** Those that were left out. */
  hidden: readonly ColumnKey[];
  hasSpark: boolean;
  /** In CSS pixels; more than the width that was given where the columns were chosen by hand. */
  minWidth: number;
  /** A CSS `grid-template-columns`. */
  template: string;
}

/** @param chosen columns that the user has chosen, none of which is left out; without them: those of the tab. */
export function fitColumns(chosen: readonly ColumnKey[] | undefined, tab: Tab, width: number): Fit {
  const wanted = chosen ?? TAB_COLUMNS[tab];
  const hidden: ColumnKey[] = [];
  for (const key of chosen ? [] : DISPENSABLE[tab]) {
    if (leastWidth(wanted.filter((each) => !hidden.includes(each))) <= width) break;
    if (wanted.includes(key)) hidden.push(key);
  }
  const columns = wanted.filter((key) => !hidden.includes(key));
  const least = leastWidth(columns);
  const hasSpark = columns.includes('rate') && least + SPARK <= width;
  const tracks = columns.map((key) => {
    const { width: min, grow } = COLUMNS[key];
    return `minmax(${key === 'rate' && hasSpark ? min + SPARK : min}px,${grow}fr)`;
  });
  return {
    columns,
    hidden,
    hasSpark,
    minWidth: least,
    template: `${BOX}px ${tracks.join(' ')}`,
  };
}

/** The columns with one more or one less, in their order; at least the job stays. */
export function toggleColumn(columns: readonly ColumnKey[], key: ColumnKey): readonly ColumnKey[] {
  return COLUMN_KEYS.filter((each) => each === 'job' || columns.includes(each) !== (each === key));
}
