// Writes entries to the newest file and brings them to the disk.
import type { Clock } from '../../clock.js';
import { isFull } from './disk.js';
import { errorOf } from './disk-report.js';
import type { PendingEntry, SegmentFiles } from './segment-files.js';

export interface WriterParts {
  files: SegmentFiles;
  clock: Clock;
  /** Milliseconds after which what was written is brought to the disk; 0: before it is shown. */
  syncMs: number;
  /** Entries that were shown may never reach the disk. */
  failed: (error: Error) => void;
}

export class DiskWriter {
  readonly #parts: WriterParts;
  #syncing: Promise<void> | undefined;
  #isDueAgain = false;
  #stopTimer: (() => void) | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** @returns why the disk does not take them. */
  async write(entries: readonly PendingEntry[]): Promise<Error | undefined> {
    const { files, clock, syncMs } = this.#parts;
    try {
      await files.write(entries).catch((error: unknown) => this.#retry(error, entries));
      if (syncMs > 0) this.#stopTimer ??= clock.after(syncMs, () => this.#later());
      else await files.sync();
      return undefined;
    } catch (error) {
      return errorOf(error);
    }
  }

  /** Nothing is brought to the disk by a timer any more. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#isDueAgain = false;
  }

  async idle(): Promise<void> {
    while (this.#syncing) await this.#syncing;
  }

  #later(): void {
    this.#stopTimer = undefined;
    // What was written since it began is not in it.
    if (this.#syncing) {
      this.#isDueAgain = true;
      return;
    }
    this.#syncing = this.#parts.files
      .sync()
      .catch((error: unknown) => this.#parts.failed(errorOf(error)))
      .finally(() => {
        this.#syncing = undefined;
        if (!this.#isDueAgain) return;
        this.#isDueAgain = false;
        this.#later();
      });
  }

  /** The disk is full: the oldest file goes, once. */
  async #retry(error: unknown, entries: readonly PendingEntry[]): Promise<void> {
    const { files } = this.#parts;
    if (!isFull(error) || !(await files.freeOldest())) throw error;
    await files.write(entries);
  }
}
