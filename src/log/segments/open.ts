// Opens the log of a folder: takes the folder, finds out what is in it, and goes on with that log or begins another.
import { CLOCK, type Clock } from '../../clock.js';
import { parseBlock } from './blocks.js';
import { bounded, DISK, type Disk, SYNC_LIMIT_MS } from './disk.js';
import { DiskKeeper } from './disk-keeper.js';
import type { DiskReport } from './disk-report.js';
import { type FolderState, makeFolder, readBootId } from './folder.js';
import type { KeeperOptions } from './keeper-parts.js';
import { checkLength, ownFolder } from './owner.js';
import { type Discontinuity, type Recovered, type Restorer, recover } from './recover.js';
import type { Segment } from './segment.js';
import { SegmentFiles } from './segment-files.js';
import { SegmentLog, type SegmentLogLimits } from './segment-log.js';
import type { StoredEntry } from './stored-entry.js';

export interface DiskLogLimits extends KeeperOptions, SegmentLogLimits {}

export const DISK_LOG_LIMITS: DiskLogLimits = {
  maxBytes: 1024 * 1024 * 1024,
  ageMs: 7 * 24 * 3_600_000,
  syncMs: 50,
  reserveBytes: 64 * 1024 * 1024,
  syncLimitMs: SYNC_LIMIT_MS,
  checkMs: 10_000,
  tailBytes: 8 * 1024 * 1024,
  memoryBytes: 64 * 1024 * 1024,
};

export interface DiskLogOptions {
  /** The folder; made if it is not there. */
  path: string;
  /** Takes what the folder has. */
  restorer: Restorer;
  report: (report: DiskReport) => void;
  limits?: Partial<DiskLogLimits>;
  clock?: Clock;
  disk?: Disk;
  bootId?: string;
}

export interface OpenedLog {
  log: SegmentLog;
  /** Why the log begins under another epoch; `undefined`: it goes on. */
  discontinuity: Discontinuity | undefined;
  /** For the operator. */
  detail: string;
  /** @param capture the state of everything that the log shows, as lines for {@link Restorer}; called while everything that was appended is shown. */
  checkpointFrom(capture: () => Iterable<string>): void;
}

/**
 * @throws `FolderInUse` where another gateway has the folder; the error of the file system where it can't be read, or its owner's socket not be made.
 */
export async function openDiskLog({ path, restorer, report, ...options }: DiskLogOptions): Promise<OpenedLog> {
  const { clock = CLOCK, bootId = readBootId() } = options;
  const limits = { ...DISK_LOG_LIMITS, ...options.limits };
  const disk = bounded(options.disk ?? DISK, clock, limits.syncLimitMs);
  checkLength(path);
  await makeFolder(path);
  const owner = await ownFolder(path, clock);
  try {
    const recovered = await recover(path, disk, bootId, restorer);
    const { discontinuity, detail, last } = recovered;
    const state = stateOf(recovered, clock, bootId, limits.syncMs);
    const files = new SegmentFiles(path, state.folder, recovered.segments, recovered.checkpoint, limits, disk);
    const parts = { path, state, files, disk, clock, report, owner };
    const keeper = new DiskKeeper(parts, limits, discontinuity !== undefined && discontinuity !== 'new');
    const { newest } = files;
    const { epoch, floor, begin = 0 } = state;
    const at = newest && !newest.isEmpty ? newest.lastAt : 0;
    const head = Math.max(recovered.head, floor);
    const log = new SegmentLog({ epoch, begin, floor, last, head, at }, keeper, limits, clock);
    keeper.attach(log);
    try {
      keeper.fit(await disk.free(path));
      if (newest && !discontinuity && newest.last === last) await files.reopen();
      else await files.begin(last + 1, clock.date());
      await keeper.begun(files.newest?.first ?? 0);
      if (!discontinuity) log.fill(await newestEntries(files.newest, floor, limits.tailBytes / 2, disk));
    } catch (error) {
      keeper.giveUp(error);
    }
    return { log, discontinuity, detail, checkpointFrom: (capture) => keeper.checkpointFrom(capture) };
  } catch (error) {
    await owner.release();
    throw error;
  }
}

function stateOf({ state, discontinuity, last }: Recovered, clock: Clock, bootId: string, syncMs: number): FolderState {
  const now = { bootId, isClean: false, isSynced: syncMs === 0, isAbandoned: false };
  if (state && !discontinuity) return { ...state, ...now };
  const folder = state?.folder ?? clock.token(8);
  return { version: 1, folder, epoch: clock.token(4), floor: last, begin: last, ...now };
}

/** About so many bytes of the newest entries, without a gap up to the newest, and the offset after which they are all. */
async function newestEntries(
  newest: Segment | undefined,
  floor: number,
  bytes: number,
  disk: Disk,
): Promise<{ entries: StoredEntry[]; after: number }> {
  if (!newest || newest.isEmpty) return { entries: [], after: newest ? newest.last : floor };
  const { blocks, after } = newest.lastBlocks(bytes);
  const entries: StoredEntry[] = [];
  for (const { segment, from, to } of blocks)
    entries.push(...parseBlock(await disk.read(segment.path, from, to - from)).entries);
  return { entries, after };
}
