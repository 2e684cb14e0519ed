// Writes entries to the newest file and brings them to the disk.
import type { Clock } from '../../clock.js';
import { isFull } from './disk.js';
import type { PendingEntry, SegmentFiles } from './segment-files.js';

export interface WriterParts {
  files: SegmentFiles;
  clock: Clock;
  /** Milliseconds after which what was written is brought to the disk; 0: before it is shown. */
  syncMs: number;
  /** The disk takes nothing. `isLate`: entries that were shown may never reach it. */
  failed: (error: unknown, isLate: boolean) => void;
}

export class DiskWriter {
  readonly #parts: WriterParts;
  #syncing: Promise<void> | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** As `write` of the keeper. */
  write(entries: readonly PendingEntry[]): 'written' | 'failed' | Promise<boolean> {
    const { files, clock, syncMs, failed } = this.#parts;
    try {
      files.write(entries);
    } catch (error) {
      if (!this.#retry(error, entries)) {
        failed(error, false);
        return 'failed';
      }
    }
    if (syncMs > 0) {
      this.#stopTimer ??= clock.after(syncMs, () => this.#later());
      return 'written';
    }
    return files.sync().then(
      () => true,
      (error: unknown) => {
        failed(error, false);
        return false;
      },
    );
  }

  /** Nothing is brought to the disk by a timer any more. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  async idle(): Promise<void> {
    await this.#syncing;
  }

  #later(): void {
    this.#stopTimer = undefined;
    this.#syncing ??= this.#parts.files
      .sync()
      .catch((error: unknown) => this.#parts.failed(error, true))
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  /** The disk is full: the oldest file goes, once. */
  #retry(error: unknown, entries: readonly PendingEntry[]): boolean {
    const { files } = this.#parts;
    try {
      if (!isFull(error) || !files.freeOldest()) return false;
      files.write(entries);
      return true;
    } catch {
      return false;
    }
  }
}
