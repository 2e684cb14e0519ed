// docs/PROTOCOL.md and src/protocol say the same, both ways.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CLOSE_CODES,
  ERROR_CODES,
  LIMITS,
  PROGRESS_INTERVALS,
  SNAPSHOT_SETTLED,
  SUBPROTOCOL,
} from '../../src/protocol/index.js';
import { FEATURES } from '../../src/protocol/limits.js';
import { METHOD_NAMES, PARAMS } from '../../src/protocol/schemas.js';

const page = readFileSync('docs/PROTOCOL.md', 'utf8');
const types = ['types', 'methods'].map((name) => readFileSync(`src/protocol/${name}.ts`, 'utf8')).join('\n');

/** Rows of the table under a heading, each as its cells. */
function table(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  return rows.slice(1).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
const bare = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '');
/** Members of an interface in the source, by its name. */
const members = (name: string): string[] => {
  const body = new RegExp(`interface ${name} \\{([\\s\\S]*?)\\n\\}`).exec(types)?.[1] ?? '';
  return [...body.matchAll(/^ {2}'?([\w.]+)'?\??:/gm)].map((match) => match[1] ?? '');
};

describe('the protocol page', () => {
  it('lists every method with its params, and no other', () => {
    const rows = table('Methods').filter(([name]) => name?.startsWith('`'));
    expect(rows.map(([name]) => bare(name)).sort()).toEqual([...METHOD_NAMES].sort());
    for (const [name, params] of rows) {
      const documented = bare(params)
        .split(/,\s*/)
        .filter((each) => each !== '');
      const { shape } = PARAMS[bare(name) as keyof typeof PARAMS] as {
        shape: Record<string, { safeParse(value: unknown): { success: boolean } }>;
      };
      const actual = Object.entries(shape).map(([key, schema]) =>
        schema.safeParse(undefined).success ? `${key}?` : key,
      );
      expect(documented.sort(), bare(name)).toEqual(actual.sort());
    }
    expect(members('Methods').sort()).toEqual([...METHOD_NAMES].sort());
  });

  it('lists every error and close code, and no other', () => {
    expect(
      table('Errors')
        .map(([code, reason]) => [Number(code), bare(reason)])
        .sort(),
    ).toEqual(
      Object.entries(ERROR_CODES)
        .map(([reason, code]) => [code, reason])
        .sort(),
    );
    expect(table('Close codes').map(([code]) => Number(code))).toEqual(Object.keys(CLOSE_CODES).map(Number));
    const retry = { resume: /resumes/, never: /never/, 'new-credentials': /credentials/, 'after-delay': /waits/ };
    for (const [code, , policy] of table('Close codes'))
      expect(policy).toMatch(retry[CLOSE_CODES[Number(code) as keyof typeof CLOSE_CODES].retry]);
  });

  it('lists every notification and every event of the gateway', () => {
    expect(table('Notifications').map(([name]) => bare(name))).toEqual(members('Notifications'));
    const events = table('Events').map(([name]) => bare(name));
    expect(events.filter((name) => name.startsWith('GATEWAY_'))).toEqual(members('GatewayEventData'));
    const settlement = /\n`\{(outcome, [^}]*)\}`/
      .exec(page)?.[1]
      ?.split(', ')
      .map((each) => each.replace('?', ''));
    expect(settlement).toEqual(members('Settlement'));
    const job = /`Job` is `\{([^}]*)\}`/
      .exec(page)?.[1]
      ?.split(', ')
      .map((each) => each.replace('?', ''));
    expect(job).toEqual(members('Job'));
  });

  it('names tests that exist for each guarantee', () => {
    const guarantees =
      page
        .split('\n## Guarantees\n')[1]
        ?.split(/\n- (?=\*\*G)/)
        .slice(1) ?? [];
    expect(guarantees.map((text) => text.slice(2, 4))).toEqual(['G1', 'G2', 'G3', 'G4', 'G5', 'G6', 'G7']);
    const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.test.ts'),
    );
    const tests = files.map((file) => readFileSync(`test/${file}`, 'utf8')).join('\n');
    for (const text of guarantees) {
      const named = [...text.replaceAll(/\s+/g, ' ').matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '');
      expect(named.length, text).toBeGreaterThan(0);
      for (const name of named) expect(tests.includes(`'${name}'`), name).toBe(true);
    }
  });

  it('names every feature', () => {
    const named = /`features` names additions since the first release of v1: ([^.]*)\./.exec(page)?.[1];
    expect(named?.split(', ').map(bare)).toEqual([...FEATURES]);
  });

  it('gives the numbers that are in force', () => {
    const number = (value: number): string => value.toLocaleString('en');
    expect(page).toContain(SUBPROTOCOL);
    expect(page).toContain(`${PROGRESS_INTERVALS.slice(0, -1).join(', ')} or ${PROGRESS_INTERVALS.at(-1)}`);
    expect(page).toContain(`1 to ${LIMITS.idLength} characters`);
    expect(page).toContain(`1 to ${LIMITS.globs} entries of up to ${number(LIMITS.globLength)} bytes`);
    expect(page).toContain(`at most ${number(LIMITS.wildLength)} characters`);
    expect(page).toContain(`at most ${number(LIMITS.jobBytes)} bytes`);
    expect(page).toContain(
      `${number(LIMITS.timeoutMinMs)} to ${number(LIMITS.timeoutMaxMs)}, default ${number(LIMITS.timeoutDefaultMs)}`,
    );
    expect(page).toContain(`a message over ${LIMITS.messageBytes / 1024} KiB`);
    expect(page).toContain(`Over ${LIMITS.snapshotPageBytes / 1024} KiB`);
    expect(page).toContain(`at most ${number(LIMITS.listMax)} a page`);
    expect(page).toContain(`newest ${number(SNAPSHOT_SETTLED)} settlements`);
    expect(page).toContain(`every ${LIMITS.bookmarkMs / 1000} s`);
    expect(page).toContain(`${LIMITS.silenceMs / 1000} s without any frame`);
  });
});
