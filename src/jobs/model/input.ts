// Types: what can happen to one job id, and what one step of its state machine gives.
import type { LogPosition } from '../../protocol/draft.js';
import type { Micros } from '../../protocol/time.js';
import type { GatewayEventData, JobRef, RunId } from '../../protocol/types.js';
import type { QueriedEvents, QueriedJob, SourceEvent } from '../../sources/index.js';
import type { GraphIndex } from './graph-index.js';
import type { JobSignal } from './job-event.js';
import type { JobDraft } from './journal.js';
import type { Run } from './run.js';

/** What can happen to a job id. */
export type JobInput =
  | { kind: 'event'; event: SourceEvent; signal: JobSignal }
  /** A query lists the job. */
  | { kind: 'queried'; job: QueriedJob }
  /** A query does not list the job. */
  | { kind: 'absent' }
  /** The connection was lost. */
  | { kind: 'unobserved' }
  /**
   * This QEMU has gone: another one is proven to be in its place, its source was removed, or nothing has listened at its address for `lostAfterMs`.
   */
  | { kind: 'gone' }
  /** A command of the gateway was written for the run `ref`. `position` is that of its entry. */
  | { kind: 'written'; ref: JobRef; command: GatewayEventData['GATEWAY_COMMAND']; position: LogPosition }
  /** QEMU's reply to that command, or that there was none. By now the run `ref` may have ended, and another run have its id. */
  | {
      kind: 'answered';
      ref: JobRef;
      command: GatewayEventData['GATEWAY_COMMAND'];
      answer: Omit<GatewayEventData['GATEWAY_COMMAND_ANSWERED'], 'command'>;
    }
  /** A command that was meant for an earlier run of the id was accepted in this one. */
  | { kind: 'misdelivered'; by: string }
  /** The block graph, queried after everything that this run has seen: the baseline of a live run, the proof of one that has ended. */
  | { kind: 'graph'; graph: GraphIndex }
  /** The users of the disk may have changed for another reason: a baseline from before proves nothing. */
  | { kind: 'disturbed' }
  /** The proof of a run that has ended did not come in time, or can't come. */
  | { kind: 'unproven' };

export interface ReduceContext extends Readonly<QueriedEvents> {
  source: string;
  readonly id: string;
  /** The name of the run that would begin now. */
  nextRun: () => RunId;
  /** The same moment for the whole step. */
  now: () => Micros;
  /** Whether the source can be queried for its block graph now. */
  readonly canProve: boolean;
}

/** A run that has settled. */
export interface EndedRun {
  /** As it was when it settled. */
  run: Run;
  time: Micros;
  /** Of its GATEWAY_JOB_SETTLED. */
  position: LogPosition;
}

export interface Transition {
  readonly run: Run | undefined;
  readonly drafts: readonly JobDraft[];
  /** In the order of their entries. */
  readonly ended: readonly EndedRun[];
  /** Only a query can tell what comes next. */
  readonly needsQuery: boolean;
  /** The block graph is wanted now: a baseline, or the proof of a run that has ended. */
  readonly needsGraph: boolean;
}
