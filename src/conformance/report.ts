// Verdicts as text for people, and as JSON lines for programs. Pure.
import { type Clause, needText } from './clause.js';
import type { Tried } from './run.js';
import type { Verdict } from './verdict.js';

export interface Style {
  /** Columns of a line. */
  readonly width: number;
  readonly hasColour: boolean;
}

const MARKS = { passed: ['✓', 32], failed: ['✗', 31], 'not tried': ['-', 2] } as const;
const SECTION = 16;

/** Control and format characters, which a server may have sent, and what a terminal does with them is not ours. */
const printable = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );

/** Lines of at most `width` characters, broken between words where there is a space. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = printable(text);
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const at = space > width / 3 ? space : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** @param first stands before the first line; the further ones are indented as far. */
function hanging(first: string, text: string, width: number): string[] {
  const indent = ' '.repeat(first.length);
  return wrap(text, Math.max(20, width - first.length)).map((line, at) => `${at === 0 ? first : indent}${line}`);
}

/** A clause with its mark; where it failed, why, and the last messages. */
export function verdictLines({ clause, verdict }: Tried, { width, hasColour }: Style): string[] {
  const [mark, colour] = MARKS[verdict.status];
  const paint = (line: string): string => (hasColour ? `\u001b[${colour}m${line}\u001b[0m` : line);
  const head = hanging(`${mark} ${clause.section.padEnd(SECTION)} `, clause.sentence, width);
  if (verdict.status === 'passed') return [`${paint(mark)}${head[0]?.slice(1)}`, ...head.slice(1)];
  if (verdict.status === 'not tried') return [...head, ...hanging('  ', `not tried: ${verdict.why}`, width)].map(paint);
  const again = `--clause ${clause.id} tries it alone`;
  return [
    ...head.map(paint),
    ...hanging('  ', verdict.why, width),
    ...verdict.transcript.flatMap((line) => hanging(`  ${line.slice(0, 2)}`, line.slice(2), width)),
    `  ${again}`,
  ];
}

export function summary(all: readonly Verdict[]): string {
  const count = (status: Verdict['status']): number => all.filter((each) => each.status === status).length;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('not tried')} not tried`;
}

export const verdictObject = ({ clause, verdict }: Tried): object => ({ ...clauseObject(clause), ...verdict });

export const clauseObject = ({ id, section, sentence, needs }: Clause): object => ({
  id,
  section,
  sentence,
  ...(needs && { needs: needText(needs) }),
});

/** For `--list`. */
export function clauseLines({ id, section, sentence, needs }: Clause, { width }: Style): string[] {
  const head = `${id}  (${section}${needs ? `; needs ${needText(needs)}` : ''})`;
  return [head, ...hanging('    ', sentence, width)];
}
