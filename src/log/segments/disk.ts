// The file system as the log uses it. Every call is asynchronous, since a device that hangs, or a file system that is frozen, would stop the loop with it.
// A parameter of the log, so that a test can make each call fail.
import * as fs from 'node:fs';
import { type Clock, NoAnswer, within } from '../../clock.js';

export interface Disk {
  /** Opens a file for reading and writing, new and empty, for its owner alone. */
  create(path: string): Promise<number>;
  /** Opens one that exists, for reading and writing. */
  open(path: string): Promise<number>;
  close(fd: number): Promise<void>;
  /** @returns the bytes written, which may be fewer than were given: a disk that fills up takes a part. */
  write(fd: number, bytes: Uint8Array, position: number): Promise<number>;
  truncate(fd: number, length: number): Promise<void>;
  /** Resolves when the data of the file is on the disk. */
  sync(fd: number): Promise<void>;
  syncFolder(folder: string): Promise<void>;
  read(path: string, position: number, length: number): Promise<Buffer>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Bytes that this process may still write to the file system of the folder; without a bound where the system does not say. */
  free(folder: string): Promise<number>;
}

/** A call of `node:fs` on a descriptor, as a promise: its own promises know files by handles alone, which an unclosed one would close by itself. */
const call = <T>(begin: (done: (error: Error | null, value: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => begin((error, value) => (error ? reject(error) : resolve(value))));

export const DISK: Disk = {
  create: (path) => call((done) => fs.open(path, 'w+', 0o600, done)),
  open: (path) => call((done) => fs.open(path, 'r+', done)),
  close: (fd) => call<void>((done) => fs.close(fd, (error) => done(error ?? null))),
  write: (fd, bytes, position) => call((done) => fs.write(fd, bytes, 0, bytes.length, position, done)),
  truncate: (fd, length) => call<void>((done) => fs.ftruncate(fd, length, (error) => done(error))),
  sync: (fd) => call<void>((done) => fs.fdatasync(fd, (error) => done(error))),
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
  rename: (from, to) => fs.promises.rename(from, to),
  unlink: (path) => fs.promises.unlink(path),
  async free(folder) {
    try {
      const { bavail, bsize } = await fs.promises.statfs(folder);
      return bavail * bsize;
    } catch {
      return Number.MAX_SAFE_INTEGER;
    }
  },
};

/** Milliseconds within which a call ends: a hung device, a frozen file system or a dead server never answers. */
export const SYNC_LIMIT_MS = 10_000;

export interface BoundedDisk extends Disk {
  /** As `read`, bounded like the other calls: for readers that can go on without the answer. `read` waits, as a start does. */
  readWithin: Disk['read'];
  /** What else is asked of the file system of the folder, bounded like the other calls. */
  ask: <T>(ask: () => Promise<T>) => Promise<T>;
}

/**
 * The disk, but for a call that takes longer than `limitMs`: it rejects, and so does every other one until it has ended, without being made. Each that hangs
 * occupies one of Node's four threads, which serve others too.
 */
export function bounded(disk: Disk, clock: Clock, limitMs: number): BoundedDisk {
  /** Calls that have not ended in time. */
  let late = 0;
  const bound = <T>(ask: () => Promise<T>): Promise<T> => {
    if (late > 0) return Promise.reject(new NoAnswer('the disk does not answer'));
    const asked = ask();
    const ended = (): void => {
      late -= 1;
    };
    return within(asked, clock, limitMs, 'the disk', () => {
      late += 1;
      void asked.then(ended, ended);
    });
  };
  /** What the system has been asked of a file and has not answered: its descriptor is closed after that, since the next file gets the number. */
  const busy = new Map<number, Set<Promise<unknown>>>();
  const using = <T>(fd: number, ask: () => Promise<T>): Promise<T> =>
    bound(() => {
      const asked = ask();
      const all = busy.get(fd) ?? new Set();
      busy.set(fd, all.add(asked));
      const ended = (): void => void all.delete(asked);
      asked.then(ended, ended);
      return asked;
    });
  const close = async (fd: number): Promise<void> => {
    const all = busy.get(fd);
    busy.delete(fd);
    if (all) await Promise.allSettled(all);
    return disk.close(fd);
  };
  /** A descriptor that comes too late is nobody's. */
  const opened = async (open: () => Promise<number>): Promise<number> => {
    let file: Promise<number> | undefined;
    try {
      return await bound(() => {
        file = open();
        return file;
      });
    } catch (error) {
      void file?.then((fd) => disk.close(fd)).catch(() => undefined);
      throw error;
    }
  };
  return {
    create: (path) => opened(() => disk.create(path)),
    open: (path) => opened(() => disk.open(path)),
    close,
    write: (fd, bytes, position) => using(fd, () => disk.write(fd, bytes, position)),
    truncate: (fd, length) => using(fd, () => disk.truncate(fd, length)),
    sync: (fd) => using(fd, () => disk.sync(fd)),
    syncFolder: (folder) => bound(() => disk.syncFolder(folder)),
    read: (path, position, length) => disk.read(path, position, length),
    readWithin: (path, position, length) => bound(() => disk.read(path, position, length)),
    rename: (from, to) => bound(() => disk.rename(from, to)),
    unlink: (path) => bound(() => disk.unlink(path)),
    free: (folder) => bound(() => disk.free(folder)),
    ask: bound,
  };
}

/** The disk is full, or the quota of the process's user is. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
