// The file system as the log uses it. Writes are synchronous, since an entry is shown in the turn in which it was written; everything that may take
// long is not. A parameter of the log, so that a test can make each call fail.
import * as fs from 'node:fs';
import type { Clock } from '../../clock.js';

export interface Disk {
  /** Opens a file for reading and writing, new and empty, for its owner alone. */
  create(path: string): number;
  /** Opens one that exists, for reading and writing. */
  open(path: string): number;
  close(fd: number): void;
  /** @returns the bytes written, which may be fewer than were given: a disk that fills up takes a part. */
  write(fd: number, bytes: Uint8Array, position: number): number;
  truncate(fd: number, length: number): void;
  /** Resolves when the data of the file is on the disk. */
  sync(fd: number): Promise<void>;
  syncFolder(folder: string): Promise<void>;
  read(path: string, position: number, length: number): Promise<Buffer>;
  unlink(path: string): Promise<void>;
  /** As {@link unlink}, within this turn: the space is needed for what is being written. */
  unlinkNow(path: string): void;
  /** Bytes that this process may still write to the file system of the folder; without a bound where the system does not say. */
  free(folder: string): Promise<number>;
}

export const DISK: Disk = {
  create: (path) => fs.openSync(path, 'w+', 0o600),
  open: (path) => fs.openSync(path, 'r+'),
  close: (fd) => fs.closeSync(fd),
  write: (fd, bytes, position) => fs.writeSync(fd, bytes, 0, bytes.length, position),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
  sync: (fd) => new Promise((resolve, reject) => fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()))),
  async syncFolder(folder) {
    const handle = await fs.promises.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async read(path, position, length) {
    const handle = await fs.promises.open(path, 'r');
    try {
      const bytes = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await handle.close();
    }
  },
  unlink: (path) => fs.promises.unlink(path),
  unlinkNow: (path) => fs.unlinkSync(path),
  async free(folder) {
    try {
      const { bavail, bsize } = await fs.promises.statfs(folder);
      return bavail * bsize;
    } catch {
      return Number.MAX_SAFE_INTEGER;
    }
  },
};

/** Milliseconds within which the disk has taken what was written: a hung device or a dead server never answers. */
export const SYNC_LIMIT_MS = 10_000;

/** The disk, but for a sync that takes longer than that: it rejects. */
export function bounded(disk: Disk, clock: Clock, limitMs: number): Disk {
  const within = (sync: Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      const stop = clock.after(limitMs, () => reject(new Error(`the disk did not answer for ${limitMs} ms`)));
      sync.finally(stop).then(resolve, reject);
    });
  return {
    create: (path) => disk.create(path),
    open: (path) => disk.open(path),
    close: (fd) => disk.close(fd),
    write: (fd, bytes, position) => disk.write(fd, bytes, position),
    truncate: (fd, length) => disk.truncate(fd, length),
    sync: (fd) => within(disk.sync(fd)),
    syncFolder: (folder) => within(disk.syncFolder(folder)),
    read: (path, position, length) => disk.read(path, position, length),
    unlink: (path) => disk.unlink(path),
    unlinkNow: (path) => disk.unlinkNow(path),
    free: (folder) => disk.free(folder),
  };
}

/** The disk is full, or the quota of the process's user is. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
