// The command line in a pseudo-terminal of a given size: takes keys and gives the screen as a person sees it.
import { spawn } from 'node:child_process';
import xterm from '@xterm/headless';
import { onTestFinished } from 'vitest';
import { ENV, MAIN } from './cli.js';

export interface TerminalRun {
  /** The lines on the screen now, without blanks at their ends. */
  screen(): string[];
  /** Everything that was written, control sequences included. */
  raw(): string;
  type(keys: string): void;
  exit: Promise<number | null>;
}

/** util-linux' `script` gives it the terminal, `@xterm/headless` reads it. */
export function runInTerminal(
  args: readonly string[],
  { columns = 100, rows = 24, env = {} as Record<string, string> } = {},
): TerminalRun {
  const quoted = [process.execPath, MAIN, ...args].map((arg) => `'${arg}'`).join(' ');
  const child = spawn('script', ['-qec', `stty cols ${columns} rows ${rows}; exec ${quoted}`, '/dev/null'], {
    env: { ...process.env, ...ENV, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  let raw = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      raw += String(chunk);
      terminal.write(chunk);
    });
  return {
    screen: () => {
      const { active } = terminal.buffer;
      return Array.from(
        { length: rows },
        (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '',
      );
    },
    raw: () => raw,
    type: (keys) => void child.stdin.write(keys),
    exit: new Promise((resolve) => child.once('exit', resolve)),
  };
}
