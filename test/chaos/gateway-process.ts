// The built gateway as a process of its own, which is killed and restarted on the same port.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export class GatewayProcess {
  readonly url: string;
  readonly port: number;
  /** It ended without being told to. */
  died: string | undefined;
  readonly #main: string;
  readonly #sources: Readonly<Record<string, string>>;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #said = '';

  /** @param main the built `dist/cli/main.js`. */
  constructor(main: string, port: number, sources: Readonly<Record<string, string>>, flags: readonly string[] = []) {
    this.#flags = flags;
    this.#main = main;
    this.port = port;
    this.#sources = sources;
    this.url = `ws://127.0.0.1:${port}/v1`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const sources = Object.entries(this.#sources).flatMap(([name, uri]) => ['--source', `${name}=${uri}`]);
    const child = spawn(
      process.execPath,
      [
        this.#main,
        'serve',
        '--listen',
        `127.0.0.1:${this.port}`,
        '--log-level',
        'error',
        '--compression',
        'on',
        ...sources,
        ...this.#flags,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    child.stderr?.on('data', (chunk) => {
      this.#said = (this.#said + String(chunk)).slice(-4_000);
    });
    child.once('exit', (code, signal) => {
      if (this.#child === child) this.died = `exit ${code} ${signal}: ${this.#said}`;
    });
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk) => String(chunk).includes('listens at') && resolve());
      child.once('exit', () => reject(new Error(`the gateway did not start: ${this.#said}`)));
    });
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** Bytes of memory that it occupies; none between two processes. */
  async rss(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8').catch(() => undefined);
    if (status === undefined) return 0;
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }
}

/** Relative to the package, wherever the caller was bundled to. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
