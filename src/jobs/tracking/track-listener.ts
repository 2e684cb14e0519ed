// What a source's tracker calls, in the turn in which something was decided and after all of its step was. The log may show the entries later:
// who answers a client because of it waits for the log.
import type { LogPosition } from '../../protocol/draft.js';
import type { GatewayEventData, JobRef, Progress } from '../../protocol/types.js';
import type { RunSignal } from './run-store.js';

/** In the order in which it happened. `down`: the runs of the source are unobserved until `synced`. */
export type TrackSignal = RunSignal | { kind: 'down' } | { kind: 'synced' };

export interface TrackListener {
  signal(source: string, signal: TrackSignal): void;
  /** The measures of live runs, after each query. */
  measured(rows: Progress[]): void;
}

/** A command that was written, and its entry. */
export interface WrittenCommand {
  id: string;
  ref: JobRef;
  command: GatewayEventData['GATEWAY_COMMAND'];
  /** Set when the log shows the entry. */
  position: LogPosition;
}
