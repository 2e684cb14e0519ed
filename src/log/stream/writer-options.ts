// Bounds of a writer, and whom it tells what becomes of its entries.
import type { Clock } from '../../clock.js';

export interface WriterOptions {
  clock: Clock;
  /** Milliseconds until a message that the stream has not acknowledged is written again. */
  retryMs: number;
  /** Bytes of entries that wait for the stream; beyond them entries are dropped, but for settlements. */
  maxWaitingBytes: number;
  /** Entries after which a checkpoint is written, and milliseconds after which one is written that has entries before it. */
  checkpointEntries: number;
  checkpointMs: number;
}

export const WRITER_DEFAULTS: Omit<WriterOptions, 'clock'> = {
  retryMs: 250,
  maxWaitingBytes: 16 * 1024 * 1024,
  checkpointEntries: 1_000,
  checkpointMs: 60_000,
};

export interface WriterListener {
  /** Another owner has written: nothing of this one is taken any more. */
  fenced(): void;
  /** The stream has acknowledged a message. @param ms milliseconds since the first attempt to write it. */
  acknowledged(ms: number): void;
  /** The stream takes entries again, and so many were dropped meanwhile: the source must be reconciled. */
  gap(dropped: number): void;
  /** The stream was made anew: nothing that it had before is there. */
  renewed(epoch: string): void;
  /** The stream has lost messages that it had acknowledged, and this member may not give it another epoch: their places are given out again under this one. */
  reused(): void;
  /** A write has failed, and is tried again. @param isFirst since the last that succeeded. */
  failing(error: unknown, isFirst: boolean): void;
}
