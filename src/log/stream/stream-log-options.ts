// Whom a log of a stream tells what the messages say, and its bounds.
import type { Clock } from '../../clock.js';
import type { EntryDraft } from '../../protocol/draft.js';
import type { Cursor } from '../../protocol/types.js';
import type { LogLimits } from '../memory-log.js';
import type { FollowOptions } from './follow.js';

/** Receives what the messages say; what it has is read only between messages. */
export interface StreamFold {
  /** Forgets everything. */
  clear(epoch: string): void;
  /** The state of a source, in place of what was known of it. @param owner the member that has it. */
  restore(source: string, lines: readonly string[], owner: string | undefined): void;
  entry(entry: EntryDraft, cursor: Cursor): void;
}

export interface StreamLogListener {
  /** The stream can't be read, said once for each reason; `undefined`: it can be again. */
  failing(error: unknown): void;
  /** Messages of the source say what no gateway of this version writes: its state is as before them. Said once for each source. */
  malformed(source: string, error: unknown): void;
}

export interface StreamLogOptions extends FollowOptions {
  clock: Clock;
  limits: Partial<LogLimits>;
  /** Messages of the stream that are read at the start, at most. */
  windowMessages: number;
  /** Milliseconds for which a position is awaited that another edge has reached, while this one lacks nothing of the stream. */
  awaitMs: number;
  /** Milliseconds until a failed start is tried again. */
  retryMs: number;
}

export const STREAM_LOG_DEFAULTS: Omit<StreamLogOptions, 'clock' | 'limits'> = {
  silenceMs: 1_000,
  windowMessages: 50_000,
  awaitMs: 2_500,
  retryMs: 500,
};
