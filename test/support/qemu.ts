// A real qemu-storage-daemon in a folder of its own, with its monitors and block nodes.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRaw, type RawClient } from './qmp-raw.js';

const BINARY = process.env.QEMU_STORAGE_DAEMON ?? 'qemu-storage-daemon';

function probe(): string | null {
  try {
    return execFileSync(BINARY, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return null;
  }
}

const found = probe();
if (found === null && process.env.REQUIRE_QEMU === '1') {
  throw new Error(`REQUIRE_QEMU=1, but ${BINARY} does not run here`);
}
/** For `describe.skipIf(!haveQemu)`. */
export const haveQemu = found !== null;
/** As `7.2.22`; empty where there is none. */
export const qemuVersion = /version (\d+\.\d+\.\d+)/.exec(found ?? '')?.[1] ?? '';
/** Why the suites with a real QEMU are skipped; empty when they are not. */
export const whyNoQemu = haveQemu
  ? ''
  : `skipped: ${BINARY} does not run here (Debian: apt-get install qemu-utils qemu-system-common)`;
if (whyNoQemu) console.warn(whyNoQemu);

export interface QemuOptions {
  /** Default false. */
  pretty?: boolean;
  /** How many monitors, each with a socket of its own. Default 1. */
  monitors?: number;
  /** More command-line arguments. */
  args?: readonly string[];
}

export class Qemu {
  readonly folder: string;
  readonly process: ChildProcess;
  /** The monitors' sockets. */
  readonly paths: readonly string[];
  readonly #exited: Promise<unknown>;

  constructor(folder: string, process: ChildProcess, paths: readonly string[]) {
    this.folder = folder;
    this.process = process;
    this.paths = paths;
    this.#exited = once(process, 'exit');
  }

  /** The first monitor's socket. */
  get path(): string {
    return this.paths[0] ?? '';
  }

  /** Resolves when the process is gone. Default SIGKILL. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.process.kill(signal);
    await this.#exited;
  }

  /** SIGSTOP: connections are still taken by the kernel, nothing is answered. */
  stop(): void {
    this.process.kill('SIGSTOP');
  }
  cont(): void {
    this.process.kill('SIGCONT');
  }

  /** Ends the process and removes its folder. May be called twice. */
  async close(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Resolves when every monitor can be connected to. */
export async function startQemu({ pretty = false, monitors = 1, args = [] }: QemuOptions = {}): Promise<Qemu> {
  const folder = await mkdtemp(join(tmpdir(), 'qmp-'));
  const paths = Array.from({ length: monitors }, (_, index) => join(folder, `qmp${index}.sock`));
  const sockets = paths.flatMap((path, index) => [
    '--chardev',
    `socket,id=c${index},path=${path},server=on,wait=off`,
    '--monitor',
    `chardev=c${index}${pretty ? ',pretty=on' : ''}`,
  ]);
  const process = spawn(BINARY, [...sockets, '--pidfile', join(folder, 'pid'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...globalThis.process.env, LC_ALL: 'C' },
  });
  let said = '';
  process.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  const qemu = new Qemu(folder, process, paths);
  // The pid file is written when all is set up; it can't be watched portably, so it is checked every 5 ms.
  const deadline = Date.now() + 10_000;
  for (;;) {
    if (await isReady(join(folder, 'pid'))) return qemu;
    if (process.exitCode !== null || Date.now() > deadline) {
      await qemu.close();
      throw new Error(`${BINARY} did not start: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function isReady(pidFile: string): Promise<boolean> {
  return readFile(pidFile, 'utf8').then(
    (text) => text.trim() !== '',
    () => false,
  );
}

export const connectQemu = (qemu: Qemu, monitor = 0): Promise<RawClient> =>
  connectRaw({ path: qemu.paths[monitor] ?? '' });

async function must(client: RawClient, command: string, args: unknown): Promise<void> {
  const reply = await client.execute(command, args);
  if (!('return' in reply)) throw new Error(`${command}: ${JSON.stringify(reply)}`);
}

/** A read-only node over a file of random bytes: what a copy really has to read. A null-co source copies nothing. */
export async function addRandomFile(client: RawClient, folder: string, name: string, bytes: number): Promise<void> {
  const filename = join(folder, `${name}.bin`);
  await writeFile(filename, randomBytes(bytes));
  await must(client, 'blockdev-add', { driver: 'file', 'node-name': name, filename, 'read-only': true });
}

/** A target that swallows everything, each request after `latencyMs` (default 0). */
export const addNull = (client: RawClient, name: string, size: number, latencyMs = 0): Promise<void> =>
  must(client, 'blockdev-add', { driver: 'null-co', 'node-name': name, size, 'latency-ns': latencyMs * 1_000_000 });

/** A null-co target behind a throttle group of its own. */
export async function addThrottled(
  client: RawClient,
  name: string,
  size: number,
  bytesPerSecond: number,
): Promise<void> {
  const group = `${name}-group`;
  await must(client, 'object-add', {
    'qom-type': 'throttle-group',
    id: group,
    limits: { 'bps-total': bytesPerSecond },
  });
  await must(client, 'blockdev-add', {
    driver: 'throttle',
    'node-name': name,
    'throttle-group': group,
    file: { driver: 'null-co', size },
  });
}

export interface Injection {
  /** Byte offset whose I/O fails; absent: every request. A multiple of 512. */
  at?: number;
  iotype?: 'read' | 'write';
  /** 5 EIO (default), 28 ENOSPC. */
  errno?: number;
  /** Default false: fails for ever. */
  once?: boolean;
}

/** A null-co node, or another node `over`, with errors injected. */
export const addBroken = (
  client: RawClient,
  name: string,
  size: number,
  { at, iotype = 'write', errno = 5, once: single = false }: Injection = {},
  over?: string,
): Promise<void> =>
  must(client, 'blockdev-add', {
    driver: 'blkdebug',
    'node-name': name,
    image: over ?? { driver: 'null-co', size },
    'inject-error': [{ event: 'none', iotype, errno, once: single, ...(at === undefined ? {} : { sector: at / 512 }) }],
  });

/** An empty qcow2 overlay over node `backing`, made by QEMU itself. */
export async function addOverlay(
  client: RawClient,
  folder: string,
  name: string,
  size: number,
  backing: string,
): Promise<void> {
  const filename = join(folder, `${name}.qcow2`);
  const file = `${name}-file`;
  await create(client, `create-${file}`, { driver: 'file', filename, size: 0 });
  await must(client, 'blockdev-add', { driver: 'file', 'node-name': file, filename });
  await create(client, `create-${name}`, { driver: 'qcow2', file, size });
  await must(client, 'blockdev-add', { driver: 'qcow2', 'node-name': name, file, backing });
}

async function create(client: RawClient, job: string, options: Record<string, unknown>): Promise<void> {
  const from = client.received.length;
  await must(client, 'blockdev-create', { 'job-id': job, options });
  await client.waitFor(({ data }) => isConcluded(data, job), { from });
  await must(client, 'job-dismiss', { id: job });
}

const isConcluded = (data: unknown, job: string): boolean => {
  const { id, status } = (data ?? {}) as { id?: string; status?: string };
  return id === job && status === 'concluded';
};
