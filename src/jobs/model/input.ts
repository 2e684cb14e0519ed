// What can happen to one job id, and what one step of its state machine gives. Types alone.
import type { LogPosition } from '../../protocol/draft.js';
import type { Micros } from '../../protocol/time.js';
import type { GatewayEventData, JobRef, RunId } from '../../protocol/types.js';
import type { QueriedJob, SourceEvent } from '../../sources/index.js';
import type { GraphIndex } from './graph-index.js';
import type { JobSignal } from './job-event.js';
import type { JobDraft } from './journal.js';
import type { Run } from './run.js';

/** What can happen to a job id. */
export type JobInput =
  | { kind: 'event'; event: SourceEvent; signal: JobSignal }
  /** A query shows it. */
  | { kind: 'queried'; job: QueriedJob }
  /** A query does not show it. */
  | { kind: 'absent' }
  /** The connection was lost. */
  | { kind: 'unobserved' }
  /** The QEMU is gone: proven to be another one, removed, or nobody has listened for long. */
  | { kind: 'gone' }
  /** A command of ours was written for the run `ref`. `position` is that of its entry. */
  | { kind: 'written'; ref: JobRef; command: GatewayEventData['GATEWAY_COMMAND']; position: LogPosition }
  /** What QEMU said of it, or that it said nothing. The run of the command may have ended, and another one be here. */
  | {
      kind: 'answered';
      ref: JobRef;
      command: GatewayEventData['GATEWAY_COMMAND'];
      answer: Omit<GatewayEventData['GATEWAY_COMMAND_ANSWERED'], 'command'>;
    }
  /** A command for an earlier run of the id was answered in this one. */
  | { kind: 'misdelivered'; by: string }
  /** The block graph, asked for after all that this run has seen: the baseline of a live run, the proof of one that has ended. */
  | { kind: 'graph'; graph: GraphIndex }
  /** Something else may have moved the users of the disk: a baseline from before proves nothing. */
  | { kind: 'disturbed' }
  /** The proof of a run that has ended does not come, or not in time. */
  | { kind: 'unproven' };

export interface ReduceContext {
  source: string;
  readonly id: string;
  /** The name of the run that would begin now. */
  nextRun: () => RunId;
  /** One moment for the whole step. */
  now: () => Micros;
  /** Whether the source can be asked for its block graph now. */
  readonly canProve: boolean;
  /** QEMU before 3.0 raises no JOB_STATUS_CHANGE: the outcome event is the end. */
  readonly legacy: boolean;
}

/** A run that has settled. */
export interface EndedRun {
  /** As it was then. */
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
