// A real qemu-storage-daemon with jobs that come and go. In: a folder. Out: its second monitor for the gateway; the first one, and the
// life on four disks, is ours. Needs no KVM, no image and no rights.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { retry } from 'rxjs';
import { formatVersion, openMonitor, type QmpSession } from '../qmp/index.js';
import { livesOfDisk } from './disk.js';

export interface DemoQemu {
  version: string;
  close(): Promise<void>;
}

const DISKS = ['system', 'data', 'logs', 'home'] as const;
const MIB = 1024 * 1024;
/** A file that is read by all: a null-co source would be copied at once, since it reads as zeroes. */
const SOURCE_BYTES = 48 * MIB;

/** `undefined` where no qemu-storage-daemon is on PATH. */
export async function openDemoQemu(folder: string, gatewayPath: string): Promise<DemoQemu | undefined> {
  const ownPath = join(folder, 'demo.sock');
  const daemon = spawn(
    'qemu-storage-daemon',
    [
      ...['--chardev', `socket,id=own,path=${ownPath},server=on,wait=off`, '--monitor', 'chardev=own'],
      ...['--chardev', `socket,id=gw,path=${gatewayPath},server=on,wait=off`, '--monitor', 'chardev=gw'],
    ],
    { stdio: 'ignore' },
  );
  const started = await Promise.race([
    once(daemon, 'spawn').then(() => true),
    once(daemon, 'error').then(() => false),
  ]).catch(() => false);
  if (!started) return undefined;
  const file = join(folder, 'disk.raw');
  await writeFile(file, Buffer.concat(Array.from({ length: SOURCE_BYTES / MIB }, () => randomBytes(MIB))));
  // The socket is there some milliseconds after the process.
  const session = await connected(ownPath);
  const stopping = new AbortController();
  for (const [at, disk] of DISKS.entries())
    void livesOfDisk({ session, disk, file, bytes: SOURCE_BYTES, delayMs: at * 1_500, signal: stopping.signal });
  return {
    version: formatVersion(session.value.greeting.version),
    close: async () => {
      stopping.abort();
      session.close();
      await ended(daemon);
    },
  };
}

export interface OwnSession {
  value: QmpSession;
  close(): void;
}

async function connected(path: string): Promise<OwnSession> {
  return new Promise((resolve, reject) => {
    const subscription = openMonitor({ kind: 'unix', path })
      .pipe(retry({ count: 100, delay: 50 }))
      .subscribe({
        next: (state) => {
          if (state.kind === 'open') resolve({ value: state.session, close: () => subscription.unsubscribe() });
        },
        error: reject,
      });
  });
}

async function ended(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
}
