// How `serve --demo` ends: clients are notified where that is possible, and nothing of it is left behind.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { MAIN } from '../support/cli.js';
import { haveQemu } from '../support/qemu.js';

/** Ids of the processes that name `text` in their command line. */
const processesWith = (text: string): string[] =>
  readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });

interface Served {
  /** The gateway's own process. */
  pid: number;
  /** Where everything of the demo is. */
  folder: string;
  bye: Promise<{ code: number; bye: unknown }>;
  exit: Promise<number | null>;
  /** The process that was spawned: the terminal where there is one. */
  kill(signal: NodeJS.Signals): void;
}

/** Empty where the process has ended since it was listed: those of other tests come and go. */
function procFile(id: number | string, name: string): string {
  try {
    return readFileSync(`/proc/${id}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

async function serve({ terminal = false, path = process.env.PATH ?? '' } = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'ends-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const args = [MAIN, 'serve', '--demo', '--listen', '127.0.0.1:0'];
  const [command, all] = terminal
    ? ['script', ['-qec', [process.execPath, ...args].join(' '), '/dev/null']]
    : [process.execPath, args];
  const child = spawn(command, all, {
    env: { ...process.env, TMPDIR: folder, PATH: path, XDG_STATE_HOME: '/dev/null' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk;
    });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await expect.poll(() => said).toMatch(/listens at http\S+\s/);
  const url = /listens at http(\S+)/.exec(said)?.[1] ?? '';
  const socket = new WebSocket(`ws${url}v1`);
  const bye = new Promise<{ code: number; bye: unknown }>((resolve) => {
    let last: unknown;
    socket.on('message', (data) => {
      const { method, params } = JSON.parse(String(data)) as { method?: string; params?: unknown };
      if (method === 'bye') last = params;
    });
    socket.on('error', () => undefined);
    socket.on('close', (code) => resolve({ code, bye: last }));
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const [pid] = processesWith(MAIN).filter(
    (id) => procFile(id, 'environ').includes(folder) && procFile(id, 'cmdline').startsWith(process.execPath),
  );
  expect(readdirSync(folder)).toHaveLength(1);
  return { pid: Number(pid), folder, bye, exit, kill: (signal) => void child.kill(signal) };
}

async function nothingStays({ folder }: Served): Promise<void> {
  await expect.poll(() => readdirSync(folder)).toEqual([]);
  await expect.poll(() => processesWith(folder)).toEqual([]);
}

/** A PATH on which only the shell's own tools are: no QEMU. */
async function pathWithoutQemu(): Promise<string> {
  const bin = await mkdtemp(join(tmpdir(), 'bin-'));
  onTestFinished(() => rm(bin, { recursive: true, force: true }));
  for (const name of ['sh', 'rm']) symlinkSync(`/bin/${name}`, join(bin, name));
  await mkdir(bin, { recursive: true });
  return bin;
}

describe.each([
  ['a real QEMU', true],
  ['the simulator', false],
] as const)('serve --demo with %s', (_name, real) => {
  const start = async (options = {}): Promise<Served> =>
    serve(real ? options : { ...options, path: await pathWithoutQemu() });

  it.skipIf(real && !haveQemu).each(['SIGHUP', 'SIGTERM', 'SIGINT'] as const)(
    '%s: says bye, ends with 0, and nothing stays',
    async (signal) => {
      const served = await start();
      if (real) expect(processesWith(served.folder).length).toBeGreaterThan(1);
      served.kill(signal);
      expect(await served.bye).toMatchObject({ code: 1012, bye: { code: 1012 } });
      expect(await served.exit).toBe(0);
      await nothingStays(served);
    },
  );

  it.skipIf(real && !haveQemu)('SIGKILL: nothing stays', async () => {
    const served = await start();
    served.kill('SIGKILL');
    await served.bye;
    await nothingStays(served);
  });
});

it.skipIf(!haveQemu || !existsSync('/usr/bin/script'))(
  'a terminal that is closed: says bye, and nothing stays',
  async () => {
    const served = await serve({ terminal: true });
    served.kill('SIGKILL');
    expect(await served.bye).toMatchObject({ code: 1012, bye: { code: 1012 } });
    await nothingStays(served);
  },
);
