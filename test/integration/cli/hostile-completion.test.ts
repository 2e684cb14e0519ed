// Names of jobs come from QEMUs: on TAB no shell runs one, and what it inserts is that name, also within quotes.
import { describe, expect, it } from 'vitest';
import { completionOf } from '../../../src/cli/pages/completion.js';
import { createProgram } from '../../../src/cli/program.js';
import { have } from '../../support/required.js';
import { openShell } from '../../support/shell.js';

const RUN = '$(touch$' + '{IFS}F)';
const NAMES = [
  `a${RUN}`,
  'b`touch F`',
  'c;touch F',
  'd\'e"f',
  'g  h ',
  'i\\j\\nk',
  'l:m n:o',
  'p!q',
  'r&|<>#s',
  't[u]{v,w}~',
  'x=y@z:$HOME',
  'é $(touch F)',
  '/tmp(e:touch F:)',
];

describe.each(['bash', 'zsh', 'fish'] as const)('TAB in %s', (name) => {
  const isThere = have(name, 'REQUIRE_SHELLS') && have('script', 'REQUIRE_SHELLS');

  it.skipIf(!isThere)('inserts a name as it is, and runs none', { timeout: 60_000 }, async () => {
    const shell = await openShell(name, completionOf(createProgram(), name));
    const tab = async (jobs: readonly string[], typed: string): Promise<string | undefined> => {
      const [verb, source, job, ...more] = await shell.tab(jobs, `qmp-gateway abort vm1 ${typed}`);
      expect([verb, source, more]).toEqual(['abort', 'vm1', []]);
      return job;
    };
    for (const job of NAMES) expect(await tab(NAMES, job[0] ?? '')).toBe(job);
    for (const [job, typed] of [
      [RUN, ''],
      ['`touch F`', ''],
      [`a b${RUN}`, "'a "],
      [`a b${RUN}`, '"a '],
      ['a b', 'a\\ '],
      ["it's", '"i'],
      ["it's", "'i"],
      ['p!q"`touch F`', '"p'],
      ['l:m n:o', 'l:'],
      ['l:m n:o', "'l:m n"],
    ] as const)
      expect(await tab([job], typed), typed).toBe(job);
    expect(shell.has('F'), 'a name was run').toBe(false);
    // A verb would read them as a flag and as globs.
    expect(await tab(['*', 'a*', '--force'], 'a')).toBe('a');
  });
});
