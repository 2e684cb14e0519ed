// A gateway as users run it, `node dist/cli/main.js serve`, which a test may kill and restart on the same port.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
if (!existsSync(MAIN)) throw new Error('the end-to-end tests run what is built: npm run build');

export interface GatewayProcess {
  /** With a slash at its end. */
  readonly url: string;
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>;
  /** It stands still: its connections stay open, and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Again, at the same port. */
  start(): Promise<void>;
}

export async function startGateway(
  sources: Record<string, string>,
  more: readonly string[] = [],
): Promise<GatewayProcess> {
  let child: ChildProcess | undefined;
  let url = '';
  async function start(): Promise<void> {
    const listen = url === '' ? '127.0.0.1:0' : new URL(url).host;
    const flags = Object.entries(sources).flatMap(([name, uri]) => ['--source', `${name}=${uri}`]);
    const started = spawn(
      process.execPath,
      [MAIN, 'serve', '--listen', listen, '--log-level', 'silent', ...flags, ...more],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    child = started;
    for await (const line of createInterface({ input: started.stdout })) {
      const said = /listens at (\S+)/.exec(line)?.[1];
      if (said === undefined) continue;
      url = said;
      return;
    }
    throw new Error('the gateway ended before it listened');
  }
  async function kill(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  onTestFinished(kill);
  await start();
  return {
    get url() {
      return url;
    },
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    start,
  };
}
