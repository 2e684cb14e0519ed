// The clauses stand in docs/PROTOCOL.md in these words, and docs/CONFORMANCE.md lists them.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { needText } from '../../src/conformance/clause.js';
import { CLAUSES } from '../../src/conformance/clauses/index.js';

/** Without markup, on one line. */
const plain = (text: string): string =>
  text
    .replaceAll(/[`*|]/g, ' ')
    .replaceAll(/\\|\(https?:[^)]*\)/g, '')
    .replaceAll(/\s+/g, ' ');
/** `[text](link)` is its text. */
const unlinked = (text: string): string => text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');

/** The text under each heading, without that under its subheadings. */
const sections = new Map(
  readFileSync('docs/PROTOCOL.md', 'utf8')
    .split(/^#+ /m)
    .map((part) => {
      const [heading = '', ...body] = part.split('\n');
      return [heading.trim(), body.join('\n')];
    }),
);

describe('the clauses', () => {
  it.each(CLAUSES.map((each) => [each.id, each] as const))('%s stands on the page in these words', (_, clause) => {
    const text = plain(unlinked(sections.get(clause.section) ?? ''));
    expect(text.replaceAll(' ', '')).toContain(plain(clause.sentence).replaceAll(' ', ''));
  });

  it('have ids of their own', () => {
    const ids = CLAUSES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('are those that docs/CONFORMANCE.md lists, in the same order', () => {
    const rows =
      readFileSync('docs/CONFORMANCE.md', 'utf8')
        .split('\n## The clauses\n')[1]
        ?.match(/^\| `.*$/gm) ?? [];
    const row = ({ id, section, sentence, needs }: (typeof CLAUSES)[number]): string =>
      `| \`${id}\` | ${section} | ${sentence.replaceAll('*', '\\*')} |${needs ? ` ${needText(needs)} ` : ' '}|`;
    expect(rows).toEqual(CLAUSES.map(row));
  });
});
