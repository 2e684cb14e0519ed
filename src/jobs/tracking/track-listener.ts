// What a source's tracker reports, in the turn of the decision and after the whole step. The log may show the entries later, so an answer to a client
// waits for the log.
import type { LogPosition } from '../../protocol/draft.js';
import type { GatewayEventData, JobRef, Progress } from '../../protocol/types.js';
import type { RunSignal } from './run-store.js';

/** Called in the order of the decisions. `down`: the runs of the source are unobserved until `synced`. */
export type TrackSignal = RunSignal | { kind: 'down' } | { kind: 'synced' };

export interface TrackListener {
  signal(source: string, signal: TrackSignal): void;
  /** The measures of live runs, after each query. */
  measured(source: string, rows: Progress[]): void;
}

/** A command that was written, and its entry. */
export interface WrittenCommand {
  id: string;
  ref: JobRef;
  command: GatewayEventData['GATEWAY_COMMAND'];
  /** Set when the log shows the entry. */
  position: LogPosition;
}
