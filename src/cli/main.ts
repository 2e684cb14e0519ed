#!/usr/bin/env node
// `qmp-gateway`: the command line. In: argv. Out: a command's work, or one line on stderr and its exit code.
import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.js';
import { addAbort } from './abort.js';
import { addEvents } from './events.js';
import { CliError, EXIT } from './exit.js';
import { addJobs } from './jobs.js';
import { complain } from './output.js';
import { addServe } from './serve.js';
import { addSimulate } from './simulate.js';
import { addSources } from './sources.js';
import { addToken } from './token.js';
import { addWatch } from './watch.js';

const program = new Command('qmp-gateway')
  .description('QEMU block jobs as a stream of events, and aborts that are bounded and honest')
  .version(VERSION)
  .showHelpAfterError('(--help tells more)')
  .exitOverride();
for (const add of [addServe, addSimulate, addSources, addJobs, addAbort, addEvents, addWatch, addToken]) add(program);

// `| head` has what it wanted. Not a success: the exit code of an abort without an outcome must not be 0.
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
