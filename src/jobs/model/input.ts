// What can happen to one job id, and what one step of its state machine gives. Types alone.
import type { Micros } from '../../protocol/time.js';
import type { Cursor, JobVerb, RunId } from '../../protocol/types.js';
import type { QmpEvent } from '../../qmp/index.js';
import type { GraphIndex } from './graph-index.js';
import type { JobSignal } from './job-event.js';
import type { JobDraft } from './journal.js';
import type { QueriedJob } from './queried-job.js';
import type { Run } from './run.js';

/** What can happen to a job id. */
export type JobInput =
  | { kind: 'event'; event: QmpEvent; signal: JobSignal }
  /** A query shows it. */
  | { kind: 'shown'; shown: QueriedJob }
  /** A query does not show it. */
  | { kind: 'absent' }
  /** The connection was lost. */
  | { kind: 'blind' }
  /** The QEMU is gone: proven to be another one, removed, or nobody has listened for long. */
  | { kind: 'gone' }
  | {
      kind: 'command';
      verb: JobVerb;
      phase: 'written' | 'accepted' | 'refused';
      by: string;
      force: boolean;
      escalation: boolean;
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
  /** Where the nth entry of this step will stand. */
  cursorAt: (nth: number) => Cursor;
  /** One moment for the whole step. */
  now: () => Micros;
  /** Whether the source can be asked for its block graph now. */
  readonly canProve: boolean;
  /** QEMU before 3.0 raises no JOB_STATUS_CHANGE: the outcome event is the end. */
  readonly legacy: boolean;
}

export interface Transition {
  run: Run | undefined;
  drafts: JobDraft[];
  /** The runs that settled, as they were then, in the order of their entries. */
  settled: Run[];
  /** Only a query can tell what comes next. */
  ask: boolean;
  /** The block graph is wanted now: a baseline, or the proof of a run that has ended. */
  askGraph: boolean;
}
