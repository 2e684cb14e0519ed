#!/usr/bin/env node
// `qmp-gateway`: the command line. A command prints its result, or one line on stderr with an exit code.
import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.js';
import { addAbort } from './abort.js';
import { addAudit } from './audit.js';
import { addEvents } from './events.js';
import { CliError, EXIT } from './exit.js';
import { addHistory } from './history.js';
import { addJobs } from './jobs.js';
import { addLog } from './log.js';
import { addLogin } from './login.js';
import { complain } from './output.js';
import { addServe } from './serve.js';
import { addShow } from './show.js';
import { addSimulate } from './simulate.js';
import { addSources } from './sources.js';
import { addToken } from './token.js';
import { addWatch } from './watch.js';

const program = new Command('qmp-gateway')
  .description('QEMU block jobs as a stream of events, and aborts with a time limit and a proven outcome')
  .version(VERSION)
  .showHelpAfterError('(try --help)')
  .exitOverride();
for (const add of [
  addServe,
  addSimulate,
  addSources,
  addJobs,
  addAbort,
  addEvents,
  addWatch,
  addAudit,
  addHistory,
  addShow,
  addLog,
  addLogin,
  addToken,
])
  add(program);

// `| head` closed stdout. This is no success: an abort whose outcome was not printed must not exit with 0.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.failed);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CliError) {
    const [first = '', ...more] = error.lines;
    complain(`qmp-gateway: ${first}`, ...more);
    process.exitCode = error.code;
  } else if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else {
    complain(`qmp-gateway: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = EXIT.failed;
  }
}
