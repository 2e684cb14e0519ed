// Keeps the folder: writes to its files, brings them to the disk, makes checkpoints, removes what is too old or too much, and finds out when a disk that
// took nothing takes something again.
import { NoAnswer, within } from '../../clock.js';
import { type BlockFailure, Blocks } from './blocks.js';
import { Checkpoints } from './checkpoints.js';
import { isFull } from './disk.js';
import { errorOf, type KeptLog } from './disk-report.js';
import { DiskWriter } from './disk-writer.js';
import type { FolderState } from './folder.js';
import { type KeeperOptions, type KeeperParts, retake } from './keeper-parts.js';
import type { Block } from './segment.js';
import type { FileLimits, PendingEntry, SegmentFiles } from './segment-files.js';
import { StateFile } from './state-file.js';

/** Milliseconds until a file that could not be made is tried again. */
const ROLL_AGAIN_MS = 1_000;
/** Milliseconds that the end waits for a disk that takes nothing. */
const UNWELL_MS = 1_000;

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
  /** A file is being made: entries wait for it, since it begins with their offsets. */
  #beginning: Promise<void> | undefined;
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
        sync: () => this.#sync(),
        made: (offset) => this.#covered(offset),
        failed: (error) => parts.report({ kind: 'checkpoint-failed', error: errorOf(error) }),
      },
      wantsCheckpoint,
    );
    const { syncMs, checkMs } = options;
    this.#writer = new DiskWriter({
      ...{ files: parts.files, clock: parts.clock, syncMs },
      failed: (error) => this.giveUp(error),
    });
    this.#stopChecks = parts.clock.every(checkMs, () => {
      this.#checking ??= this.#check()
        .catch((error: unknown) => this.giveUp(error))
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

  get files(): Pick<SegmentFiles, 'bytes' | 'entries' | 'freed'> {
    return this.#parts.files;
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
    const { disk, clock, state, files } = this.#parts;
    this.#blocks = new Blocks({ read: disk.readWithin }, clock, state.folder, (failure) => {
      if (failure.error instanceof NoAnswer) return this.giveUp(failure.error);
      // A file that was removed while it was read is no failure.
      if (files.segments.includes(failure.block.segment)) failed(failure);
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
   * @returns whether the log may show them at once, and otherwise when it may: they are in the file then (with `syncMs: 0` on the disk), or the disk takes
   * nothing from now on, and the log was replaced.
   */
  write(entries: readonly PendingEntry[]): Promise<void> | undefined {
    if (entries.length === 0 || (this.#problem !== undefined && !this.#beginning)) return undefined;
    return this.#write(entries);
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

  /** The disk takes nothing, or is not to be written to: entries are in memory alone from now on, under another epoch. It may be called again meanwhile. */
  giveUp(error: unknown): void {
    if (this.#problem !== undefined) return;
    this.#leave(error);
    void this.#state.mark();
  }

  /** Everything that was appended is shown. @param last its last offset. @param epoch the log's present one. */
  quiet(last: number, epoch: string): void {
    if (this.#closing || this.#beginning) return;
    const { files, clock } = this.#parts;
    if (this.#problem !== undefined) {
      if (this.#mayReturn) this.#begin(this.#goBack(last, epoch));
    } else if (files.isDue(clock.date()) && clock.now() >= this.#rollAgainAt) this.#begin(this.#roll(last + 1));
    else this.#checkpoints.make(last);
  }

  /** The last thing that is done: everything is on the disk, and the folder is free for another gateway. */
  async close(last: number): Promise<void> {
    this.#closing = true;
    this.#stopChecks();
    this.#writer.stop();
    this.#blocks?.close();
    // A disk that hangs is not waited for: each step has its bound, but there are many.
    const { files, owner, clock } = this.#parts;
    const { syncLimitMs } = this.#options;
    if (this.#problem === undefined)
      await within(this.#finish(last), clock, syncLimitMs, 'the disk').catch((error: unknown) => this.giveUp(error));
    files.abandon();
    const limitMs = this.#problem === undefined ? syncLimitMs : UNWELL_MS;
    // What can't be removed is stale for the next start, as that of a killed gateway.
    await within(owner.release(), clock, limitMs, 'the disk').catch(() => undefined);
  }

  async #finish(last: number): Promise<void> {
    for (const each of [this.#checking, this.#beginning, this.#checkpoints.idle(), this.#writer.idle()]) await each;
    if (this.#problem !== undefined || !(await this.#sync())) return;
    // Without it the next start folds more entries; what it stands for is missing only where it is owed.
    await this.#checkpoints.finish(last);
    if (this.#owed === undefined) await this.#state.write({ isClean: true });
  }

  async #sync(): Promise<boolean> {
    await this.#parts.files.sync().catch((error: unknown) => this.giveUp(error));
    return this.#problem === undefined;
  }

  async #write(entries: readonly PendingEntry[]): Promise<void> {
    await this.#beginning;
    if (this.#problem !== undefined) return;
    const error = await this.#writer.write(entries);
    if (error) this.giveUp(error);
  }

  /** Everything that was appended is shown when it has ended, or waits for it. */
  #begin(beginning: Promise<void>): void {
    this.#beginning = beginning.finally(() => {
      this.#beginning = undefined;
      if (!this.#closing && this.#checkpoints.isWanted && this.#problem === undefined) this.#log?.settle();
    });
  }

  async #roll(first: number): Promise<void> {
    const { files, clock } = this.#parts;
    try {
      await files.begin(first, clock.date());
      this.#checkpoints.isWanted = true;
      this.#note({ newest: first });
    } catch (error) {
      this.#rollAgainAt = clock.now() + ROLL_AGAIN_MS;
      if (this.#problem !== undefined || (isFull(error) && (await files.freeOldest()))) return;
      // The newest file goes on for a while: there may be too many open files, or no folder any more.
      if (files.isOverdue) this.giveUp(error);
    }
  }

  #note(changes: Partial<FolderState>): void {
    void this.#state.write(changes).catch((error: unknown) => this.giveUp(error));
  }

  /** A checkpoint covers the log up to `offset`. */
  #covered(offset: number): void {
    if (this.#owed === undefined || offset < this.#owed || this.#problem !== undefined) return;
    this.#owed = undefined;
    this.#note({ isAbandoned: false });
    this.#parts.report({ kind: 'recovered' });
  }

  /** Entries are in memory alone from now on. Nothing is written to the folder, which may be another gateway's. */
  #leave(error: unknown): void {
    this.#problem = errorOf(error).message;
    this.#mayReturn = false;
    this.#owed = undefined;
    this.#writer.stop();
    this.#parts.files.abandon();
    this.#parts.report({ kind: 'failing', error: errorOf(error) });
    this.#state.abandon();
    if (!this.#closing) this.#log?.replace();
  }

  /** The disk takes entries again: those that follow, under the epoch that the log has now. */
  async #goBack(last: number, epoch: string): Promise<void> {
    this.#mayReturn = false;
    try {
      await this.#parts.files.begin(last + 1, this.#parts.clock.date());
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
    const { files, disk, path, clock, owner } = this.#parts;
    const { reserveBytes } = this.#options;
    const isOwn = await disk.ask(() => owner.isOwn());
    const free = await disk.free(path);
    if (this.#closing) return;
    if (!isOwn && this.#problem === undefined)
      this.#leave(new Error('the folder was removed, or another gateway took it'));
    if (!isOwn && !(await disk.ask(() => retake(this.#parts)))) return;
    if (this.#problem !== undefined) {
      // It may have been away, and says that it has everything.
      await this.#state.mark();
      // Twice the reserve, so that it does not fail again at once.
      if (free < 2 * reserveBytes || !(await this.#state.probe())) return;
      this.#mayReturn = true;
      return this.#log?.settle();
    }
    this.fit(free);
    files.retain(clock.date());
    // One that the start has not read: damage in it is found although nobody reads it. It is not waited for: a slow disk takes long for it.
    const { floor } = this.#state.present;
    const unread = files.segments.findLast((each) => !each.isIndexed && !each.isDamaged && each.last > floor);
    if (unread) void this.#blocks?.index(unread);
    this.#checkpoints.retry();
    if (files.isDue(clock.date()) || this.#checkpoints.isWanted) this.#log?.settle();
    if (free >= reserveBytes || (await files.freeOldest())) return;
    this.giveUp(new Error(`less than ${reserveBytes} bytes of the disk are free`));
  }
}
