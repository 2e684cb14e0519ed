// A log in a folder of its own, and what its start reports.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { DiskReport, LoggedEntry } from '../../src/log/index.js';
import { DISK, type Disk } from '../../src/log/segments/disk.js';
import { type DiskLogOptions, type OpenedLog, openDiskLog } from '../../src/log/segments/open.js';
import type { SegmentLog } from '../../src/log/segments/segment-log.js';
import type { EntryDraft } from '../../src/protocol/draft.js';
import { FakeClock } from './fake-clock.js';

export interface TestDiskLog extends OpenedLog {
  log: SegmentLog;
  reports: DiskReport['kind'][];
  /** What the folder had: lines of the checkpoint, and types of the entries after it. */
  lines: string[];
  types: string[];
}

export async function openTestDiskLog(path: string, options: Partial<DiskLogOptions> = {}): Promise<TestDiskLog> {
  const reports: DiskReport['kind'][] = [];
  const [lines, types]: [string[], string[]] = [[], []];
  const opened = await openDiskLog({
    path,
    restorer: {
      line: (text) => lines.push(text),
      entry: (json) => types.push((JSON.parse(json) as { type: string }).type),
    },
    report: ({ kind }) => reports.push(kind),
    bootId: 'boot',
    ...options,
    limits: { syncMs: 1, checkMs: 5, reserveBytes: 0, ...options.limits },
  });
  onTestFinished(() => opened.log.close());
  return { ...opened, log: opened.log, reports, lines, types };
}

/** Time is in the test's hand; turns of the loop come by themselves, since a folder is opened over several. */
export class TimeInHand extends FakeClock {
  override soon(action: () => void): void {
    setImmediate(action);
  }
}

export const draftOf = (type: string, more: Partial<EntryDraft> = {}): EntryDraft => ({
  source: 'vm1',
  type,
  time: 1_700_000_000_000_001,
  data: { text: `of ${type}` },
  ...more,
});

/** Appends one entry of each type; resolves when the log shows them. */
export const append = (log: SegmentLog, ...types: string[]): Promise<void> =>
  new Promise((resolve) =>
    log.append(
      types.map((type) => draftOf(type)),
      resolve,
    ),
  );

/** All entries after `offset`, however many reads that takes. */
export async function readAll(log: SegmentLog, offset = 0): Promise<LoggedEntry[]> {
  const found: LoggedEntry[] = [];
  for (let at = offset; at < log.head && log.retainsAfter(at); ) {
    const { entries, examined, pending } = log.readAfter(at, 64);
    if (pending) await pending;
    else if (examined === at && entries.length === 0) break;
    found.push(...entries);
    at = examined;
  }
  return found;
}

export const typesOf = async (log: SegmentLog, offset?: number): Promise<string[]> =>
  (await readAll(log, offset)).map(({ type }) => type);

export const segmentsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort();

/** Changes the bytes of a file. */
export function edit(folder: string, name: string, change: (bytes: Buffer) => Buffer): void {
  const path = join(folder, name);
  writeFileSync(path, change(readFileSync(path)));
}

/** A disk whose calls fail while a fault is set. */
export class FaultyDisk implements Disk {
  /** The error of writes, or of syncs; `short`: of a write after a part of it was taken. */
  fault:
    | { call: 'create' | 'write' | 'sync' | 'close' | 'checkpoint' | 'read'; code: string; short?: boolean }
    | undefined;
  /** No sync ends, or no read, or no call that changes anything, until {@link answer}. */
  hangs: 'sync' | 'read' | 'all' | undefined;
  #hanging: (() => void)[] = [];
  /** Of `state.json`, where it is marked. */
  readonly #inPlace = new Set<number>();
  /** Calls that were made while it hung. */
  get hanging(): number {
    return this.#hanging.length;
  }
  /** Syncs that were begun. */
  syncs = 0;
  freeBytes = Number.MAX_SAFE_INTEGER;
  unlinked: string[] = [];

  async create(path: string): Promise<number> {
    await this.#hang();
    this.#fail('write');
    this.#fail('create');
    if (path.includes('checkpoint')) this.#fail('checkpoint');
    return DISK.create(path);
  }
  async write(fd: number, bytes: Uint8Array, position: number): Promise<number> {
    await this.#hang();
    // A write in place needs no space.
    if (this.fault?.code === 'ENOSPC' && this.#inPlace.has(fd)) return DISK.write(fd, bytes, position);
    if (this.fault?.call === 'write' && this.fault.short && bytes.length > 1) {
      this.fault.short = false;
      return DISK.write(fd, bytes.subarray(0, bytes.length >> 1), position);
    }
    this.#fail('write');
    return DISK.write(fd, bytes, position);
  }
  async sync(fd: number): Promise<void> {
    this.syncs += 1;
    this.#fail('sync');
    await this.#hang('sync');
    return DISK.sync(fd);
  }
  async unlink(path: string): Promise<void> {
    await this.#hang();
    this.unlinked.push(path);
    return DISK.unlink(path);
  }
  async rename(from: string, to: string): Promise<void> {
    await this.#hang();
    return DISK.rename(from, to);
  }
  /** What hangs goes on. */
  answer(): void {
    this.hangs = undefined;
    for (const go of this.#hanging.splice(0)) go();
  }
  free = async (): Promise<number> => this.freeBytes;
  open = async (path: string): Promise<number> => {
    const fd = await DISK.open(path);
    if (path.endsWith('state.json')) this.#inPlace.add(fd);
    return fd;
  };
  close = async (fd: number): Promise<void> => {
    this.#inPlace.delete(fd);
    await DISK.close(fd);
    this.#fail('close');
  };
  truncate = DISK.truncate;
  syncFolder = DISK.syncFolder;
  read = async (path: string, position: number, length: number): Promise<Buffer> => {
    await this.#hang('read');
    this.#fail('read');
    return DISK.read(path, position, length);
  };

  async #hang(call: 'sync' | 'read' | 'all' = 'all'): Promise<void> {
    if (this.hangs === call || (this.hangs === 'all' && call !== 'read'))
      await new Promise<void>((resolve) => this.#hanging.push(resolve));
  }

  #fail(call: NonNullable<FaultyDisk['fault']>['call']): void {
    if (this.fault?.call !== call) return;
    throw Object.assign(new Error(`${this.fault.code}: no`), { code: this.fault.code });
  }
}
