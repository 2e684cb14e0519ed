// The tree of commands, with their flags and arguments: the one table that the parser, `--help`, the man page and the completions read.
import { Command } from 'commander';
import { VERSION } from '../version.js';
import { addAudit } from './audit.js';
import { addCluster } from './cluster/index.js';
import { addEvents } from './events.js';
import { EXIT_CODES } from './exit.js';
import { addGet } from './get.js';
import { addHistory } from './history.js';
import { addJobs } from './jobs.js';
import { addLog } from './log.js';
import { addLogin } from './login.js';
import { addPages } from './pages/index.js';
import { addServe } from './serve.js';
import { addShow } from './show.js';
import { addSimulate } from './simulate.js';
import { addSources } from './sources.js';
import { addToken } from './token.js';
import { addTop } from './top/index.js';
import { addVerbs } from './verbs/index.js';
import { addWatch } from './watch.js';

export function createProgram(): Command {
  const program = new Command('qmp-gateway')
    .description('QEMU block jobs as a stream of events, and aborts with a time limit and a proven outcome')
    .version(VERSION)
    .exitOverride()
    .addHelpText('afterAll', `\nExit codes:\n${EXIT_CODES.map(({ code, when }) => `  ${code}  ${when}`).join('\n')}`);
  for (const add of [
    addServe,
    addSimulate,
    addSources,
    addJobs,
    addGet,
    addVerbs,
    addEvents,
    addWatch,
    addTop,
    addAudit,
    addHistory,
    addShow,
    addLog,
    addCluster,
    addLogin,
    addToken,
    addPages,
  ])
    add(program);
  nameHelp(program, 'qmp-gateway');
  return program;
}

/** After a usage error each command names its own help; one that only has commands says where a flag of theirs stands. */
function nameHelp(command: Command, path: string): void {
  command.showHelpAfterError(`  next: ${path} --help`);
  for (const each of command.commands) nameHelp(each, `${path} ${each.name()}`);
  if (command.commands.length === 0) return;
  command.configureOutput({
    outputError(text, write) {
      const [, flag = ''] = /^error: unknown option '(-[^'=]+)/.exec(text) ?? [];
      const isTheirs = command.commands.some(({ options }) =>
        options.some(({ long, short }) => long === flag || short === flag),
      );
      write(isTheirs ? `${text}  flags stand after the command: ${path} COMMAND ${flag}\n` : text);
    },
  });
}
