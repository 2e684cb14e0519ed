// Keeps the folder: writes to its files, brings them to the disk, makes checkpoints, removes what is too old or too much, and finds out when a disk that
// took nothing takes something again.
import type { Clock } from '../../clock.js';
import { type BlockFailure, Blocks } from './blocks.js';
import { Checkpoints } from './checkpoints.js';
import { type Disk, isFull } from './disk.js';
import { type DiskReport, errorOf, type KeptLog } from './disk-report.js';
import { DiskWriter } from './disk-writer.js';
import type { FolderState } from './folder.js';
import type { Ownership } from './owner.js';
import type { Block } from './segment.js';
import type { FileLimits, PendingEntry, SegmentFiles } from './segment-files.js';
import { StateFile } from './state-file.js';

/** Milliseconds until a file that could not be made is tried again. */
const ROLL_AGAIN_MS = 1_000;

export interface KeeperOptions extends FileLimits {
  /** Milliseconds after which what was written is brought to the disk; 0: before it is shown. */
  syncMs: number;
  /** Bytes of the file system that are left to others. */
  reserveBytes: number;
  /** Milliseconds between looks at the free space and at the age of files, which are also tries of a disk that took nothing. */
  checkMs: number;
}

export interface KeeperParts {
  path: string;
  state: FolderState;
  files: SegmentFiles;
  disk: Disk;
  clock: Clock;
  report: (report: DiskReport) => void;
  owner: Ownership;
}

export class DiskKeeper {
  readonly #parts: KeeperParts;
  readonly #options: KeeperOptions;
  readonly #stopChecks: () => void;
  #log: KeptLog | undefined;
  readonly #state: StateFile;
  #problem: string | undefined;
  #mayReturn = false;
  #blocks: Blocks | undefined;
  #checking: Promise<void> | undefined;
  readonly #checkpoints: Checkpoints;
  readonly #writer: DiskWriter;
  /** Offset that a checkpoint must cover before the folder has everything again. */
  #owed: number | undefined;
  /** By the monotonic clock: a file that can't be made is not tried at each append. */
  #rollAgainAt = 0;
  #closing = false;

  /** @param wantsCheckpoint the entries that the present state was made of can't be had again. */
  constructor(parts: KeeperParts, options: KeeperOptions, wantsCheckpoint: boolean) {
    this.#parts = parts;
    this.#options = options;
    this.#state = new StateFile(parts.path, parts.state, parts);
    this.#checkpoints = new Checkpoints(
      {
        ...parts,
        folder: parts.state.folder,
        made: (offset) => this.#covered(offset),
        failed: (error) => parts.report({ kind: 'checkpoint-failed', error: errorOf(error) }),
      },
      wantsCheckpoint,
    );
    const { syncMs, checkMs } = options;
    this.#writer = new DiskWriter({
      ...{ files: parts.files, clock: parts.clock, syncMs },
      failed: (error, isLate) => {
        if (this.#problem !== undefined || (isLate && this.#closing)) return;
        if (isLate) this.giveUp(error);
        else this.#fail(error);
      },
    });
    this.#stopChecks = parts.clock.every(checkMs, () => {
      this.#checking ??= this.#check()
        .catch((error: unknown) => {
          if (this.#problem === undefined) this.giveUp(error);
        })
        .finally(() => {
          this.#checking = undefined;
        });
    });
  }

  /** Why entries are in memory alone; `undefined`: they are on the disk. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get limits(): FileLimits {
    return this.#options;
  }

  get bytes(): number {
    return this.#parts.files.bytes;
  }

  get entries(): number {
    return this.#parts.files.entries;
  }

  get freed(): SegmentFiles['freed'] {
    return this.#parts.files.freed;
  }

  get oldestAt(): number | undefined {
    return this.#parts.files.segments.find(({ isEmpty }) => !isEmpty)?.firstAt;
  }

  /** Every later entry that is not in memory alone is in a file; `undefined`: none is. */
  get readableAfter(): number | undefined {
    const { before } = this.#parts.files;
    return before === undefined || this.#problem !== undefined
      ? undefined
      : Math.max(before, this.#state.present.floor);
  }

  /** From now on the log is told what befalls the disk. */
  attach(log: KeptLog): void {
    this.#log = log;
  }

  /** @param capture the state of everything that the log shows, as lines; called while everything that was appended is shown. */
  checkpointFrom(capture: () => Iterable<string>): void {
    this.#checkpoints.from(capture);
    if (this.#checkpoints.isWanted) this.#log?.settle();
  }

  openBlocks(failed: (failure: BlockFailure) => void): Blocks {
    this.#blocks = new Blocks(this.#parts.disk, this.#parts.clock, this.#parts.state.folder, (failure) => {
      // A file that was removed while it was read is no failure.
      if (this.#parts.files.segments.includes(failure.block.segment)) failed(failure);
    });
    return this.#blocks;
  }

  blockAfter(offset: number): Block | undefined {
    return this.#problem === undefined ? this.#parts.files.blockAfter(offset) : undefined;
  }

  offsetBefore(time: number): number | undefined {
    return this.#problem === undefined ? this.#parts.files.offsetBefore(time) : undefined;
  }

  complain(error: Error): void {
    this.#parts.report({ kind: 'unreadable', error });
  }

  /**
   * Writes entries whose offsets follow the last one.
   *
   * @returns `memory`: the disk took nothing before, and was not tried. `failed`: it takes nothing from now on. With `syncMs: 0` the promise that they are
   * on the disk; `false`: it takes nothing from now on.
   */
  write(entries: readonly PendingEntry[]): 'written' | 'memory' | 'failed' | Promise<boolean> {
    if (this.#problem !== undefined) return 'memory';
    if (entries.length === 0) return 'written';
    return this.#writer.write(entries);
  }

  /** The quota is never more than the disk has room for, so that old files go before it is full. @param free bytes of the disk. */
  fit(free: number): void {
    const { maxBytes, ageMs, reserveBytes } = this.#options;
    const { files } = this.#parts;
    files.limit({ maxBytes: Math.min(maxBytes, Math.max(0, files.bytes + free - reserveBytes)), ageMs });
  }

  /** Resolves when the folder says that it is in use. @param newest first offset of the newest file. */
  begun(newest: number): Promise<void> {
    return this.#state.write({ newest });
  }

  /** Nothing could be written at the start. */
  giveUp(error: unknown): void {
    this.#fail(error);
    this.#log?.replace();
  }

  /** Everything that was appended is shown. @param last its last offset. @param epoch the log's present one. */
  quiet(last: number, epoch: string): void {
    if (this.#closing) return;
    if (this.#problem !== undefined && this.#mayReturn) this.#goBack(last, epoch);
    if (this.#problem !== undefined) return;
    const { files, clock } = this.#parts;
    if (files.isDue(clock.date())) this.#roll(last + 1);
    this.#checkpoints.make(last);
  }

  /** The last thing that is done: everything is on the disk, and the folder is free for another gateway. */
  async close(last: number): Promise<void> {
    this.#closing = true;
    this.#stopChecks();
    this.#writer.stop();
    this.#blocks?.close();
    await this.#checking;
    await this.#checkpoints.idle();
    await this.#writer.idle();
    if (this.#problem === undefined)
      try {
        await this.#parts.files.sync();
        // Without it the next start folds more entries; what it stands for is missing only where it is owed.
        await this.#checkpoints.finish(last);
        if (this.#owed === undefined) await this.#state.write({ isClean: true });
      } catch (error) {
        this.#fail(error);
      }
    this.#parts.files.abandon();
    await this.#parts.owner.release();
  }

  #roll(first: number): void {
    const { files, clock } = this.#parts;
    if (clock.now() < this.#rollAgainAt) return;
    try {
      files.begin(first, clock.date());
      this.#checkpoints.isWanted = true;
      this.#note({ newest: first });
    } catch (error) {
      this.#rollAgainAt = clock.now() + ROLL_AGAIN_MS;
      if (isFull(error) && files.freeOldest()) return;
      // The newest file goes on for a while: there may be too many open files, or no folder any more.
      if (files.isOverdue) this.giveUp(error);
    }
  }

  #note(changes: Partial<FolderState>): void {
    void this.#state.write(changes).catch((error: unknown) => {
      if (this.#problem === undefined) this.giveUp(error);
    });
  }

  /** A checkpoint covers the log up to `offset`. */
  #covered(offset: number): void {
    if (this.#owed === undefined || offset < this.#owed || this.#problem !== undefined) return;
    this.#owed = undefined;
    this.#note({ isAbandoned: false });
    this.#parts.report({ kind: 'recovered' });
  }

  /** Entries are in memory alone from now on. */
  #fail(error: unknown): void {
    this.#problem = errorOf(error).message;
    this.#mayReturn = false;
    this.#owed = undefined;
    this.#writer.stop();
    this.#parts.files.abandon();
    this.#parts.report({ kind: 'failing', error: errorOf(error) });
    this.#state.abandon();
  }

  /** The disk takes entries again: those that follow, under the epoch that the log has now. */
  #goBack(last: number, epoch: string): void {
    this.#mayReturn = false;
    try {
      this.#parts.files.begin(last + 1, this.#parts.clock.date());
    } catch {
      return;
    }
    this.#problem = undefined;
    // Until a checkpoint stands for the entries that were in memory alone, the folder lacks them.
    this.#owed = last;
    this.#checkpoints.isWanted = true;
    this.#note({ epoch, floor: last, begin: this.#log?.begin ?? last, newest: last + 1, isAbandoned: true });
  }

  async #check(): Promise<void> {
    const { files, disk, path, clock } = this.#parts;
    const { reserveBytes } = this.#options;
    const isOwn = await this.#parts.owner.isOwn();
    const free = await disk.free(path);
    if (this.#closing) return;
    if (!isOwn && this.#problem === undefined)
      this.giveUp(new Error('the folder was removed, or another gateway took it'));
    if (!isOwn) return;
    if (this.#problem !== undefined) {
      // Twice the reserve, so that it does not fail again at once.
      if (free < 2 * reserveBytes || !(await this.#state.probe())) return;
      this.#mayReturn = true;
      return this.#log?.settle();
    }
    this.fit(free);
    files.retain(clock.date());
    // One that the start has not read: damage in it is found although nobody reads it.
    const unread = files.segments.findLast(({ isIndexed, isDamaged }) => !isIndexed && !isDamaged);
    if (unread) await this.#blocks?.index(unread);
    if (this.#closing) return;
    if (files.isDue(clock.date()) || this.#checkpoints.isWanted) this.#log?.settle();
    if (free >= reserveBytes || files.freeOldest()) return;
    this.giveUp(new Error(`less than ${reserveBytes} bytes of the disk are free`));
  }
}
