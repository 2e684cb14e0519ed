// The command line as a process: its output as it comes, and its exit code; ended after the test.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { onTestFinished } from 'vitest';

export const MAIN = 'dist/cli/main.js';
if (!existsSync(MAIN)) throw new Error('the command line is not built: npm run build');

export interface Run {
  child: ChildProcessWithoutNullStreams;
  out: () => string;
  err: () => string;
  /** Resolves when the text has come, on either stream. */
  said(text: string | RegExp): Promise<string>;
  exit: Promise<number | null>;
}

/** Of the environment: no colour, no gateway, no token that somebody has stored on this machine, and no log of somebody's demo. */
export const ENV = {
  NO_COLOR: '1',
  QMP_GATEWAY_URL: '',
  QMP_GATEWAY_TOKEN: '',
  XDG_CONFIG_HOME: '/nowhere',
  XDG_STATE_HOME: '/dev/null',
};

export function run(
  args: readonly string[],
  command: readonly string[] = [process.execPath, MAIN],
  env: Record<string, string> = {},
): Run {
  const [program = '', ...first] = command;
  const child = spawn(program, [...first, ...args], { env: { ...process.env, ...ENV, ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  const watchers = new Set<() => void>();
  const wake = (): void => {
    for (const watch of [...watchers]) watch();
  };
  child.stdout.on('data', (chunk) => {
    out += chunk;
    wake();
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
    wake();
  });
  const exit = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  const said = (text: string | RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const watch = (): void => {
        const all = out + err;
        if (typeof text === 'string' ? !all.includes(text) : !text.test(all)) return;
        watchers.delete(watch);
        resolve(all);
      };
      watchers.add(watch);
      watch();
      void exit.then(() => reject(new Error(`ended without saying ${text}: ${out}${err}`)));
    });
  return { child, out: () => out, err: () => err, said, exit };
}
