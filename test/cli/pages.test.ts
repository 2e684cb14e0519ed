// The man page, the completions, the help and docs/CLI.md know every command and every flag.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit.js';
import { completionOf, SHELLS } from '../../src/cli/pages/completion.js';
import { manPage } from '../../src/cli/pages/man.js';
import { commandsOf, flagsOf } from '../../src/cli/pages/tree.js';
import { createProgram } from '../../src/cli/program.js';
import { REASON_CODES } from '../../src/cli/refusal.js';

const commands = commandsOf(createProgram());
const flags = commands.flatMap((command) => flagsOf(command).map(({ long }) => long ?? ''));

describe('the man page', () => {
  const page = manPage(createProgram(), '1.2.3');

  it('has every command, every flag, every exit code and the examples', () => {
    const plain = page.replaceAll('\\-', '-');
    for (const command of commands) expect(plain).toMatch(new RegExp(`^\\.SS "(\\w+ )?${command.name()}\\b`, 'm'));
    for (const flag of flags) expect(plain).toContain(flag);
    for (const { code, when } of EXIT_CODES) expect(plain.toLowerCase()).toContain(`.b ${code}\n${when}`.toLowerCase());
    expect(plain).toContain('$ qmp-gateway abort vm1 drive0 --sync --timeout 2m');
    expect(plain).toContain('default 30s');
  });

  it.skipIf(spawnSync('man', ['--version']).status !== 0)('is what man takes without a warning', () => {
    const read = spawnSync('man', ['--warnings', '-l', '-'], { input: page, env: { ...process.env, MANWIDTH: '80' } });
    expect(String(read.stderr)).toBe('');
    expect(String(read.stdout)).toMatch(/QMP-GATEWAY\(1\)[\s\S]*EXIT STATUS/);
  });
});

describe('the completions', () => {
  it.each(SHELLS)('of %s have every command and every flag', (shell) => {
    const script = completionOf(createProgram(), shell);
    for (const command of commands) expect(script).toContain(command.name());
    for (const flag of flags) expect(script).toContain(shell === 'fish' ? `-l ${flag.slice(2)}` : flag);
  });

  /** What bash offers after these words. */
  function offered(...words: string[]): string[] {
    const script = `${completionOf(createProgram(), 'bash')}
qmp-gateway() { [[ $1 == sources ]] && echo vm1; [[ $1 == jobs ]] && echo 'vm1 drive0'; }
COMP_LINE='${words.join(' ')}'; COMP_POINT=${words.join(' ').length}; _qmp_gateway
printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  }

  it.each([
    [['ab'], ['abort']],
    [['jobs', '--sor'], ['--sort']],
    [
      ['jobs', '-o', 'js'],
      ['json', 'jsonl'],
    ],
    [['jobs', '--sort', 'd'], ['done']],
    [['jobs', '--source', ''], ['vm1']],
    [['token', ''], ['new']],
    [['token', 'new', '--me'], ['--metrics']],
    [['abort', ''], ['vm1']],
    [['abort', '--timeout', '5s', 'vm1', ''], ['drive0']],
    [['speed', '20M', 'vm1', ''], ['drive0']],
  ])('of bash after %j are %j', (words, expected) => {
    expect(offered('qmp-gateway', ...words)).toEqual(expected);
  });
});

it('docs/CLI.md has the exit codes and every command', () => {
  const page = readFileSync('docs/CLI.md', 'utf8');
  for (const { code, when } of EXIT_CODES) expect(page).toContain(`| ${code} | ${when} |`);
  for (const command of commands) expect(page).toContain(command.name());
});

it('the man page and docs/CLI.md say the code of every refusal that is not 1', () => {
  const man = manPage(createProgram(), '1.2.3').replaceAll('\\-', '-');
  const page = readFileSync('docs/CLI.md', 'utf8').replaceAll('`', '');
  for (const text of [man, page]) {
    const [, said = ''] = /A refusal by name is 1, as STALE_RUN, but ([^;.]*)/.exec(text) ?? [];
    // Each list of names ends in its code.
    const codes = [...said.matchAll(/([A-Z_]+(?:(?:, | and )[A-Z_]+)*) (?:is|are) (\d)/g)].flatMap(
      ([, names = '', code]) => names.split(/, | and /).map((name) => [name, Number(code)] as const),
    );
    expect(Object.fromEntries(codes)).toEqual({ ...REASON_CODES, NO_ANSWER: 3 });
    expect(said).toMatch(/NO_ANSWER is 3 where the request was sent and 4 where it was not$/);
  }
});
