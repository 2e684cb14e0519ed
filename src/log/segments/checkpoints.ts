// When a checkpoint is made: when a file of the log is full, when the entries that it would stand for can't be had again, and at the end.
import type { Clock } from '../../clock.js';
import { writeCheckpoint } from './checkpoint.js';
import type { Disk } from './disk.js';
import type { SegmentFiles } from './segment-files.js';

export interface CheckpointParts {
  path: string;
  /** The name of the folder in its files. */
  folder: string;
  files: SegmentFiles;
  disk: Disk;
  clock: Clock;
  /** @returns whether everything that was written is on the disk; otherwise the disk takes nothing from now on. */
  sync: () => Promise<boolean>;
  made: (offset: number) => void;
  failed: (error: unknown) => void;
}

export class Checkpoints {
  readonly #parts: CheckpointParts;
  #capture: (() => Iterable<string>) | undefined;
  #making: Promise<void> | undefined;
  #hasFailed = false;
  isWanted: boolean;

  constructor(parts: CheckpointParts, isWanted: boolean) {
    this.#parts = parts;
    this.isWanted = isWanted;
  }

  /** @param capture the state of everything that the log shows, as lines. */
  from(capture: () => Iterable<string>): void {
    this.#capture = capture;
  }

  /** Begins one if it is wanted. To be called while everything that was appended is shown. @param last its last offset. */
  make(last: number): void {
    if (!this.isWanted || this.#making || !this.#capture) return;
    this.isWanted = false;
    this.#hasFailed = false;
    this.#making = this.#writeSynced(last, this.#capture())
      .catch((error: unknown) => {
        this.#hasFailed = true;
        this.#parts.failed(error);
      })
      .finally(() => {
        this.#making = undefined;
      });
  }

  /** One that failed is wanted again: not at once, since each takes the whole state. */
  retry(): void {
    this.isWanted ||= this.#hasFailed;
  }

  /** Resolves when none is being made. */
  async idle(): Promise<void> {
    await this.#making;
  }

  /** The last one, of what is on the disk. */
  async finish(last: number): Promise<void> {
    if (this.#capture) await this.#write(last, this.#capture()).catch(this.#parts.failed);
  }

  /** A checkpoint never covers an entry that is not on the disk. */
  async #writeSynced(last: number, lines: Iterable<string>): Promise<void> {
    if (await this.#parts.sync()) await this.#write(last, lines);
  }

  async #write(last: number, lines: Iterable<string>): Promise<void> {
    const { path, folder, files, disk, clock, made } = this.#parts;
    const sealed = files.segments.filter((each) => each !== files.newest && !each.isEmpty).map((each) => each.sealed);
    await writeCheckpoint(path, folder, { offset: last, files: sealed }, lines, { disk });
    files.covered = last;
    files.retain(clock.date());
    made(last);
  }
}
