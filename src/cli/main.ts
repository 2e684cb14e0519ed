#!/usr/bin/env node
// `qmp-gateway`: the command line. A command prints its result, or one line on stderr with an exit code.
import { CommanderError } from 'commander';
import { CliError, EXIT } from './exit.js';
import { complain } from './output.js';
import { createProgram } from './program.js';
import { heedReaders } from './reader.js';

heedReaders();

const OF_CLIENTS = ['QMP_GATEWAY_URL', 'QMP_GATEWAY_TOKEN', 'QMP_GATEWAY_TOKEN_FILE'];
// An empty variable counts as none; an empty flag is refused.
for (const name of OF_CLIENTS) if (process.env[name] === '') delete process.env[name];

/** `serve` logs them. The names of all settings are read only where there may be one. */
async function nameUnknownVariables(): Promise<void> {
  if (!Object.keys(process.env).some((name) => name.startsWith('QMP_GATEWAY_') && !OF_CLIENTS.includes(name))) return;
  const { describeVariable, unknownVariables } = await import('../config/index.js');
  complain(...unknownVariables(process.env).map((each) => `qmp-gateway: ${describeVariable(each)}`));
}

try {
  await createProgram()
    .hook('preAction', async (_, command) => {
      if (command.name() !== 'serve') await nameUnknownVariables();
    })
    .parseAsync();
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
