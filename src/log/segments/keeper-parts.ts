// What the keeper of a folder works with, and how it takes a folder that was away.
import type { Clock } from '../../clock.js';
import type { BoundedDisk } from './disk.js';
import type { DiskReport } from './disk-report.js';
import { type FolderState, readState } from './folder.js';
import type { Ownership } from './owner.js';
import type { FileLimits, SegmentFiles } from './segment-files.js';

export interface KeeperOptions extends FileLimits {
  /** Milliseconds after which what was written is brought to the disk; 0: before it is shown. */
  syncMs: number;
  /** Bytes of the file system that are left to others. */
  reserveBytes: number;
  /** Milliseconds between looks at the free space and at the age of files, which are also tries of a disk that took nothing. */
  checkMs: number;
  /** Milliseconds after which a disk that does not answer takes nothing. */
  syncLimitMs: number;
}

export interface KeeperParts {
  path: string;
  state: FolderState;
  files: SegmentFiles;
  disk: BoundedDisk;
  clock: Clock;
  report: (report: DiskReport) => void;
  owner: Ownership;
}

/** Takes the folder, if it is there again: as it was, or empty. One that has another log by now is not touched. */
export async function retake({ owner, path, files, state }: KeeperParts): Promise<boolean> {
  if (!(await owner.retake())) return false;
  const found = await readState(path);
  if (found && found.folder !== state.folder) {
    await owner.release();
    return false;
  }
  if (!found) files.forgetAll();
  return true;
}
