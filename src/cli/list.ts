// How a list is printed: as a table of the terminal's width, wide, as names for another command, or as JSON.
import { type Command, Option } from 'commander';
import { type Column, tableOf } from './columns.js';
import { complain, print, printJson, printPainted } from './output.js';

export interface ListOptions {
  json?: boolean;
  output?: 'table' | 'wide' | 'name' | 'json' | 'jsonl';
  /** `false`: `--no-headers`. */
  headers?: boolean;
  quiet?: boolean;
}

export interface List<Row> {
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** What `-o name` prints; `undefined`: a line can't have it. */
  name(row: Row): string | undefined;
}

export function addListOptions(command: Command, name: string): Command {
  return command
    .addOption(
      new Option(
        '-o, --output <format>',
        `table, of the terminal’s width; wide: every column; name: ${name} a line; json: one array; jsonl: one object a line`,
      )
        .choices(['table', 'wide', 'name', 'json', 'jsonl'])
        .default('table'),
    )
    .addOption(new Option('--json', 'as -o jsonl'))
    .option('--no-headers', 'no line of headings')
    .option('-q, --quiet', 'no notes on stderr');
}

export const isForPrograms = ({ json, output }: ListOptions): boolean =>
  json === true || output === 'json' || output === 'jsonl' || output === 'name';

export function printList<Row>({ columns, rows, name }: List<Row>, options: ListOptions): void {
  switch (options.json ? 'jsonl' : options.output) {
    case 'json':
      return printJson(rows);
    case 'jsonl':
      for (const row of rows) printJson(row);
      return;
    case 'name':
      return printNames(rows.map(name), options);
    default:
      if (rows.length > 0) printPainted(...tableLines(columns, rows, options));
  }
}

function printNames(names: readonly (string | undefined)[], { quiet }: ListOptions): void {
  const lines = names.filter((line) => line !== undefined);
  print(...lines);
  const left = names.length - lines.length;
  if (left > 0 && !quiet) complain(`left out: ${left} with characters that a line can't have; -o jsonl has all`);
}

/** Where stdout is no terminal every column stands, in full. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: ListOptions): string[] {
  const isBounded = process.stdout.isTTY && options.output !== 'wide';
  const asked = columns.filter(({ isWide }) => !isWide || options.output === 'wide');
  return tableOf(asked, rows, {
    columns: isBounded ? widthOf(process.stdout) : undefined,
    hasHead: options.headers,
    hasColour: hasColour(process.stdout),
  });
}

/** `COLUMNS` comes before what the terminal says. */
function widthOf(stream: NodeJS.WriteStream): number {
  const given = Number(process.env.COLUMNS);
  return given > 0 ? given : stream.columns || 80;
}

/** https://no-color.org: any value but the empty one. */
export function hasColour(
  stream: NodeJS.WriteStream,
  { NO_COLOR = '', TERM }: NodeJS.ProcessEnv = process.env,
): boolean {
  return stream.isTTY && NO_COLOR === '' && TERM !== 'dumb';
}
