// The processes of a cluster run beside NATS: the simulated monitors, and the members of the cluster, which are killed and started again.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MonitorRecord } from './record.js';
import type { SimsOrder } from './sims.js';

/** Milliseconds for one order to the monitors. */
const ORDER_MS = 60_000;
/** Milliseconds after which a member that has ended by itself is started again, as a supervisor would. */
const AGAIN_MS = 1_000;

export class SimsProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** This very program with `--sims`. */
  static async start(folder: string, flags: readonly string[]): Promise<SimsProcess> {
    const child = fork(process.argv[1] ?? '', ['--sims', folder, ...flags], { stdio: 'inherit' });
    const sims = new SimsProcess(child, folder);
    await sims.#said('ready');
    return sims;
  }

  async order(kind: 'begin' | 'rest' | 'mark'): Promise<void> {
    const done = this.#said(kind);
    this.#child.send({ kind } satisfies SimsOrder);
    await done;
  }

  async record(): Promise<MonitorRecord[]> {
    const file = join(this.#folder, 'monitors.json');
    const done = this.#said('record');
    this.#child.send({ kind: 'record', file } satisfies SimsOrder);
    await done;
    return (await readFile(file, 'utf8')).split('\n').map((line) => JSON.parse(line) as MonitorRecord);
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  #said(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the monitors did not say ${what}`)), ORDER_MS);
      const listen = (said: unknown): void => {
        if (said !== what) return;
        clearTimeout(timer);
        this.#child.off('message', listen);
        resolve();
      };
      this.#child.on('message', listen);
      this.#child.once('exit', () => reject(new Error('the monitors have ended')));
    });
  }
}

/** An owner or an edge. */
export class Member {
  readonly name: string;
  /** Each time that it ended without being told to. */
  readonly died: string[] = [];
  readonly #args: readonly string[];
  readonly #logFile: string | undefined;
  #child: ChildProcess | undefined;
  #said = '';
  #again: NodeJS.Timeout | undefined;

  /** @param main the built `dist/cli/main.js`. @param logs a folder for a file with all that it says. */
  constructor(name: string, main: string, flags: readonly string[], logs?: string) {
    this.name = name;
    this.#logFile = logs === undefined ? undefined : join(logs, `${name}.log`);
    this.#args = [main, 'serve', '--member', name, ...flags];
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** The newest lines of its log. */
  get said(): string {
    return this.#said;
  }

  start(): void {
    clearTimeout(this.#again);
    if (this.#child) return;
    const child = spawn(process.execPath, [...this.#args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const hear = (chunk: unknown): void => {
      this.#said = (this.#said + String(chunk)).slice(-8_000);
      if (this.#logFile !== undefined) appendFileSync(this.#logFile, String(chunk));
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.died.push(`${this.name} ended by itself, ${code ?? signal}: ${this.#said.slice(-1_500)}`);
      this.#again = setTimeout(() => this.start(), AGAIN_MS);
    });
  }

  /** @param withinMs after which it is killed, and counts as one that did not end. */
  async stop(signal: NodeJS.Signals, withinMs = 20_000): Promise<void> {
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => {
      this.died.push(`${this.name} did not end within ${withinMs} ms of ${signal}: ${this.#said.slice(-1_500)}`);
      child.kill('SIGKILL');
    }, withinMs);
    await exited;
    clearTimeout(timer);
  }
}
