// What the folder says of itself: which log it has, and whether that log can go on. One file of 512 bytes, which is replaced as a whole.
import { promises as fs, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, type Disk } from './disk.js';

export interface FolderState {
  version: 1;
  /** Names the folder, in every file of it: 16 hex digits. */
  folder: string;
  epoch: string;
  /** The entries of this epoch that are in the folder come after it. */
  floor: number;
  /** Offset before the first entry of this epoch: before `floor` where entries were in memory alone. Missing in a folder of an earlier release. */
  begin?: number;
  /** Of the machine's run; empty where the system has none. */
  bootId: string;
  /** The gateway ended by itself and everything is on the disk. */
  isClean: boolean;
  /** Every entry was on the disk before it was shown, so that the machine's end loses none. */
  isSynced: boolean;
  /** First offset of the newest file, by which the file is named; missing in a folder of an earlier release. */
  newest?: number;
  /** Entries were shown that are not in the folder. */
  isAbandoned: boolean;
}

/** By which a file is written. */
export interface Means {
  disk: Disk;
}

const NAME = 'state.json';
const BYTES = 512;
/** More than a log gets: a folder that leaves no room for them has rubbish. */
const MAX_ENTRIES = 2 ** 52;

/** Of the folder: arguments of commands and texts of errors are not for everybody. */
const FOLDER_MODE = 0o700;

/** Makes the folder, and those that it is in. Node's own `recursive` never ends where nobody can make one although its parent is there: in /proc. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeAll(path);
  } catch (cause) {
    throw new Error(`the folder ${path} cannot be made: ${(cause as Error).message}`, { cause });
  }
}

async function makeAll(path: string): Promise<void> {
  try {
    return await fs.mkdir(path, { mode: FOLDER_MODE });
  } catch (error) {
    const isThere = async (each: string): Promise<boolean> =>
      fs.stat(each).then(
        (found) => found.isDirectory(),
        () => false,
      );
    if (codeOf(error) === 'ENOENT' && !(await isThere(dirname(path)))) await makeAll(dirname(path));
    else if (await isThere(path)) return;
    else throw error;
  }
  await fs.mkdir(path, { mode: FOLDER_MODE });
}

/** @returns `undefined` where there is none, or none that can be read. */
export async function readState(folder: string): Promise<FolderState | undefined> {
  try {
    const state = JSON.parse(await fs.readFile(join(folder, NAME), 'utf8')) as FolderState;
    const isWhole =
      state.version === 1 && /^[0-9a-f]{16}$/.test(state.folder) && /^[A-Za-z0-9]{1,32}$/.test(state.epoch);
    return isWhole && state.floor >= 0 && Number.isSafeInteger(state.floor + MAX_ENTRIES) ? state : undefined;
  } catch (error) {
    if (codeOf(error) === undefined || codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const textOf = (state: FolderState): Buffer => Buffer.from(`${JSON.stringify(state).padEnd(BYTES - 1)}\n`);

/** Resolves when it is on the disk, in place of the former one. */
export async function writeState(folder: string, state: FolderState, means: Means): Promise<void> {
  await replaceFile(folder, NAME, [textOf(state)], means);
}

/**
 * Marks it in its place, which needs no space: the disk may be full.
 *
 * @throws where not even that is possible.
 */
export async function markAbandoned(folder: string, state: FolderState, { disk }: Means): Promise<void> {
  const fd = await disk.open(join(folder, NAME));
  try {
    await disk.write(fd, textOf({ ...state, isAbandoned: true }), 0);
    await disk.sync(fd);
  } finally {
    void disk.close(fd).catch(() => undefined);
  }
}

/** Writes a file beside it and renames that, so that there is always a whole one. Resolves when the new one is on the disk. */
export async function replaceFile(
  folder: string,
  name: string,
  chunks: Iterable<Buffer>,
  { disk }: Means,
): Promise<void> {
  const path = join(folder, name);
  const temporary = `${path}.new`;
  const fd = await disk.create(temporary);
  try {
    let at = 0;
    for (const chunk of chunks) {
      let written = 0;
      while (written < chunk.length) {
        const bytes = await disk.write(fd, chunk.subarray(written), at + written);
        if (bytes === 0) throw new Error('the disk takes nothing');
        written += bytes;
      }
      at += chunk.length;
    }
    await disk.sync(fd);
  } finally {
    void disk.close(fd).catch(() => undefined);
  }
  await disk.rename(temporary, path);
  await disk.syncFolder(folder);
}

/** Of this run of the machine; empty where the system has none (Linux: `/proc/sys/kernel/random/boot_id`). */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
