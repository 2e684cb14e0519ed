// A real qemu-storage-daemon with jobs that come and go on four disks. It has two monitors: the demo uses the first, the gateway the second. Needs no
// KVM, no image and no rights.
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { retry, timer } from 'rxjs';
import { formatVersion, openMonitor, type QmpSession } from '../qmp/index.js';
import { PACE, type Pace, runDisk } from './disk.js';
import { keep } from './keeper.js';

export interface DemoQemu {
  version: string;
  /** Ends the daemon and removes the folder. */
  close(): Promise<void>;
}

export interface DemoQemuOptions {
  /** Folder of this demo alone; removed with it, also when this process is killed. */
  folder: string;
  /** Where the gateway's monitor listens. */
  gatewayPath: string;
  report(problem: string): void;
  /** Default {@link PACE}. */
  pace?: Pace;
  /** Default `Math.random`. */
  random?(): number;
  /** Length of each disk in bytes. Default 48 MiB. */
  bytes?: number;
}

const BINARY = 'qemu-storage-daemon';
const DISKS = ['system', 'data', 'logs', 'home'] as const;
const MIB = 1024 * 1024;

/** `undefined` where no qemu-storage-daemon is on PATH. */
export async function openDemoQemu(options: DemoQemuOptions): Promise<DemoQemu | undefined> {
  const { folder, gatewayPath, report, pace = PACE, random = Math.random, bytes = 48 * MIB } = options;
  const runs = await promisify(execFile)(BINARY, ['--version']).catch(() => undefined);
  if (!runs) return undefined;
  const ownPath = join(folder, 'demo.sock');
  const keeper = keep(folder, [
    BINARY,
    ...['--chardev', `socket,id=own,path=${ownPath},server=on,wait=off`, '--monitor', 'chardev=own'],
    ...['--nbd-server', `addr.type=unix,addr.path=${join(folder, 'nbd.sock')}`],
    ...['--chardev', `socket,id=gw,path=${gatewayPath},server=on,wait=off`, '--monitor', 'chardev=gw'],
  ]);
  try {
    // One file that all disks read: a null-co source would be copied at once, since it reads as zeroes.
    const file = join(folder, 'disk.raw');
    await writeFile(file, noise(bytes));
    const own = await connected(ownPath, report);
    const stopping = new AbortController();
    const { signal } = stopping;
    const { session } = own;
    for (const [at, disk] of DISKS.entries())
      void runDisk({ session, disk, file, bytes, pace, random, report, signal, delayMs: at * pace.restMs[0] });
    return {
      version: formatVersion(session.greeting.version),
      close: async () => {
        stopping.abort();
        own.close();
        await keeper.close();
      },
    };
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

/** In pieces of one buffer, each written before the next is made: as one it would stay in memory for as long as nothing else makes V8 collect. */
function* noise(bytes: number): Generator<Uint8Array> {
  const piece = Buffer.allocUnsafe(MIB);
  for (let at = 0; at < bytes; at += MIB) yield randomFillSync(piece);
}

interface DemoConnection {
  session: QmpSession;
  close(): void;
}

/** The socket appears some milliseconds after the process. */
async function connected(path: string, report: (problem: string) => void): Promise<DemoConnection> {
  return new Promise((resolve, reject) => {
    let found = false;
    const subscription = openMonitor({ kind: 'unix', path })
      .pipe(
        retry({
          count: 100,
          delay: (error) => {
            // The demo's QEMU has gone, and the demo with it.
            if (found) throw error;
            return timer(50);
          },
        }),
      )
      .subscribe({
        next: (state) => {
          if (state.kind !== 'open') return;
          found = true;
          resolve({ session: state.session, close: () => subscription.unsubscribe() });
        },
        error: (error: Error) => (found ? report(`the demo's QEMU is gone: ${error.message}`) : reject(error)),
      });
  });
}
