// Completions for bash, zsh and fish, from the tree of commands. Names of sources and jobs are asked of the gateway as they are typed; they come from
// QEMUs, so no shell may ever read one as code, and what is inserted is quoted. Pure.
import type { Command } from 'commander';
import { inBash } from './completion-bash.js';
import { inFish } from './completion-fish.js';
import { inZsh } from './completion-zsh.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, (program: Command, name: string) => string>> = {
  bash: inBash,
  zsh: inZsh,
  fish: inFish,
};

export const completionOf = (program: Command, shell: Shell): string => SCRIPTS[shell](program, program.name());
