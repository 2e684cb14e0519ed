// A real interactive shell in a terminal, with the completions of `qmp-gateway` and a program of that name that knows given jobs: what TAB makes of
// a line.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { newFolder } from './folder.js';

export type ShellName = 'bash' | 'zsh' | 'fish';

const SHELLS: Readonly<Record<ShellName, { file: string; start: string; text(completions: string): string }>> = {
  bash: { file: 'rc', start: 'exec bash --noprofile --rcfile rc -i', text: (script) => `${script}\nPS1='READY> '\n` },
  zsh: {
    file: '.zshrc',
    start: 'ZDOTDIR=$PWD exec zsh -i',
    text: (script) => `autoload -U compinit; compinit -u -D\n${script}\nPROMPT='READY> '\n`,
  },
  fish: {
    file: 'fish/config.fish',
    start: 'XDG_CONFIG_HOME=$PWD exec fish -i',
    text: (script) => `${script}\nfunction fish_prompt; echo -n "READY> "; end\nset -g fish_greeting\n`,
  },
};

export interface Shell {
  /**
   * Types the keys, TAB and enter.
   *
   * @param jobs of the source `vm1`, whatever is asked for.
   * @returns what the program was given.
   */
  tab(jobs: readonly string[], keys: string): Promise<string[]>;
  /** Whether there is a file of this name where the shell is. */
  has(name: string): boolean;
}

export async function openShell(shell: ShellName, completions: string): Promise<Shell> {
  const folder = newFolder();
  const within = (name: string): string => join(folder, name);
  // A fish that does not find this folder fills it in the background, also while the test ends.
  const made = 'home/.local/share/fish/generated_completions';
  for (const name of ['fish', 'bin', made]) mkdirSync(within(name), { recursive: true });
  const program = `#!/bin/sh
case $1 in
sources) echo vm1 ;;
jobs) cat '${within('names')}' ;;
*) printf '%s\\0' "$@" > '${within('writing')}'; mv '${within('writing')}' '${within('args')}' ;;
esac
`;
  writeFileSync(within('bin/qmp-gateway'), program);
  chmodSync(within('bin/qmp-gateway'), 0o755);
  writeFileSync(within('completions'), completions);
  const { file, start, text } = SHELLS[shell];
  writeFileSync(within(file), text(`source ${within('completions')}`));
  const env = { ...process.env, PATH: `${within('bin')}:${process.env.PATH}`, HOME: within('home'), TERM: 'xterm' };
  const child = spawn('script', ['-qec', `stty cols 200; ${start}`, '/dev/null'], { cwd: folder, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += String(chunk);
  });
  return {
    async tab(jobs, keys) {
      writeFileSync(within('names'), jobs.map((job) => `vm1 ${job}\n`).join(''));
      await expect.poll(() => out).toContain('READY> ');
      out = '';
      child.stdin.write(`${keys}\t\r`);
      await expect.poll(() => existsSync(within('args')) || out).toBe(true);
      const args = readFileSync(within('args'), 'utf8').split('\0').slice(0, -1);
      rmSync(within('args'));
      return args;
    },
    has: (name) => existsSync(within(name)) || existsSync(within(`home/${name}`)),
  };
}
