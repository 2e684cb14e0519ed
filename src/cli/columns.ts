// A table within the width of a terminal: columns that matter less are left out, and names are shortened in their middle, so that the figures always
// stand. Pure.
import { printable } from './output.js';

export interface Column<Row> {
  head: string;
  cell(row: Row): string;
  /** Left out where the line is too long, the highest first. Missing: it always stands. */
  rank?: number;
  /** Stands only in the wide form. */
  isWide?: boolean;
  /** May be shortened. */
  isName?: boolean;
  colour?(row: Row): Colour | undefined;
}

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim';

const SGR: Readonly<Record<Colour, string>> = { red: '31', green: '32', yellow: '33', cyan: '36', dim: '2' };

export interface TableForm {
  /** Characters of a line. Default: as long as they are. */
  columns?: number | undefined;
  /** Default true. */
  hasHead?: boolean | undefined;
  hasColour?: boolean | undefined;
}

/** Characters of a name that is shortened, at least. */
const NAME_MIN = 7;
const GAP = 2;

export function tableOf<Row>(all: readonly Column<Row>[], rows: readonly Row[], form: TableForm = {}): string[] {
  const { columns: width = Number.POSITIVE_INFINITY, hasHead = true, hasColour = false } = form;
  // Escaped before the widths are measured: a line break in a cell would begin a new row.
  const cells = new Map(all.map((column) => [column, rows.map((row) => printable(column.cell(row)))]));
  const widthOf = (column: Column<Row>): number =>
    Math.max(hasHead ? column.head.length : 0, ...(cells.get(column) ?? []).map(({ length }) => length));
  const lengthOf = (columns: readonly Column<Row>[]): number =>
    columns.reduce((sum, column) => sum + widthOf(column) + GAP, -GAP);
  let columns = [...all];
  for (const least of all.filter(({ rank }) => rank !== undefined).sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0))) {
    // Names are shortened to half a line before a column is left out.
    if (lengthOf(columns) - savedBy(columns, widthOf, Math.max(12, Math.floor(width / 5))) <= width) break;
    columns = columns.filter((column) => column !== least);
  }
  const widths = shrink(columns, widthOf, width);
  const cellOf = (column: Column<Row>, text: string, colour?: Colour): string => {
    const most = widths.get(column) ?? 0;
    const cell = shorten(text, most);
    return (colour && cell !== '' ? paint(cell, colour) : cell) + ' '.repeat(Math.max(0, most - cell.length));
  };
  const head = columns.map((column) => cellOf(column, column.head));
  const lines = rows.map((row, at) =>
    columns.map((column) =>
      cellOf(column, cells.get(column)?.[at] ?? '', hasColour ? column.colour?.(row) : undefined),
    ),
  );
  // Two spaces apart, for cut and grep.
  return (hasHead ? [head, ...lines] : lines).map((line) => line.join(' '.repeat(GAP)).trimEnd());
}

/** Characters that are saved where no name is longer than `most`. */
function savedBy<Row>(columns: readonly Column<Row>[], widthOf: (column: Column<Row>) => number, most: number): number {
  return columns.reduce((sum, column) => sum + (column.isName ? Math.max(0, widthOf(column) - most) : 0), 0);
}

/** The longest name gives way first. */
function shrink<Row>(
  columns: readonly Column<Row>[],
  widthOf: (column: Column<Row>) => number,
  width: number,
): Map<Column<Row>, number> {
  const widths = new Map(columns.map((column) => [column, widthOf(column)]));
  const names = columns.filter(({ isName }) => isName);
  let over = [...widths.values()].reduce((sum, each) => sum + each + GAP, -GAP) - width;
  while (over > 0) {
    const [longest] = names.sort((a, b) => (widths.get(b) ?? 0) - (widths.get(a) ?? 0));
    const now = longest === undefined ? 0 : (widths.get(longest) ?? 0);
    if (longest === undefined || now <= NAME_MIN) break;
    widths.set(longest, now - 1);
    over -= 1;
  }
  return widths;
}

/** `backup-of-a…-disk-17`: names often differ at their ends alone. */
export function shorten(text: string, most = Number.POSITIVE_INFINITY): string {
  if (text.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - end)}…${text.slice(text.length - end)}`;
}

export const paint = (text: string, colour: Colour): string => `\u001b[${SGR[colour]}m${text}\u001b[0m`;

/** Columns of cells that exist already. */
export const plainColumns = (head: readonly string[]): Column<readonly string[]>[] =>
  head.map((name, at) => ({ head: name, cell: (row) => row[at] ?? '' }));
