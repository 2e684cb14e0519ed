// `man` and `completion`: pages and scripts that are made from the tree of commands, so that they know all of it.
import { Argument, type Command } from 'commander';
import { VERSION } from '../../version.js';
import { completionOf, SHELLS, type Shell } from './completion.js';
import { manPage } from './man.js';

export function addPages(program: Command): void {
  program
    .command('completion')
    .description('print the completions for a shell')
    .addArgument(new Argument('<shell>', 'of this shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  $ source <(qmp-gateway completion bash)
  $ qmp-gateway completion fish > ~/.config/fish/completions/qmp-gateway.fish`,
    )
    .action((shell: Shell) => void process.stdout.write(completionOf(program, shell)));
  program
    .command('man')
    .description('print the man page')
    .addHelpText('after', '\nExample:\n  $ qmp-gateway man | man -l -')
    .action(() => void process.stdout.write(manPage(program, VERSION)));
}
