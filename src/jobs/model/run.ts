// One run as the gateway knows it. Immutable: `reduceJob` makes the next one. Every field is always there, so that all runs have one
// shape.
import type { LogPosition } from '../../protocol/draft.js';
import { formatMicros, type Micros } from '../../protocol/time.js';
import type {
  Int64,
  IoStatus,
  Job,
  JobRef,
  JobStatus,
  JobType,
  Progress,
  RunId,
  Settlement,
} from '../../protocol/types.js';
import { nameOf } from './job-name.js';
import type { Baseline } from './pivot.js';

/** How far a command of ours has come. A refused one is `none` again. */
export type CommandPhase = 'none' | 'written' | 'accepted';

/** The event that carries the outcome, if it was seen; it comes before the run's end. */
export type Ending = { kind: 'none' } | { kind: 'completed'; error?: string } | { kind: 'cancelled' };

/** `observed`: its end was seen. `queried`: a query shows it concluded. `vanished`: it is gone and nobody saw how. */
export type EndEvidence = { kind: 'observed' } | { kind: 'queried'; error?: string } | { kind: 'vanished' };

export interface Run {
  readonly source: string;
  /** QEMU's, of any length; the wire has `ref.id`. */
  readonly id: string;
  readonly run: RunId;
  /** Of the entry that began it. */
  readonly began: LogPosition;
  /** Its name on entries, shared by all of them. */
  readonly ref: JobRef;
  readonly type: JobType | null;
  /** As the log last published it; queries don't change it but where the log says so. */
  readonly status: JobStatus;
  readonly len: Int64;
  readonly offset: Int64;
  readonly speed: Int64;
  readonly ioStatus: IoStatus | undefined;
  readonly error: string | undefined;
  readonly autoFinalize: boolean | undefined;
  readonly autoDismiss: boolean | undefined;
  readonly continuity: 'new' | 'assumed' | undefined;
  readonly updated: Micros;
  /** The last error that stopped the job, until it is published as GATEWAY_JOB_ATTENTION. */
  readonly stoppedBy: { operation: 'read' | 'write'; action: string } | undefined;
  readonly attended: boolean;
  readonly sawReady: boolean;
  readonly sawAborting: boolean;
  /** Part of it was not seen: it was found by a query, or lived through a time without a connection. */
  readonly gap: boolean;
  /** The connection was lost since, and no query has shown it again. */
  readonly unobserved: boolean;
  /** Queries in a row that did not show it while events flowed. */
  readonly absentFromQueries: number;
  readonly ending: Ending;
  readonly requestedBy: readonly string[];
  readonly soft: CommandPhase;
  readonly force: CommandPhase;
  readonly complete: CommandPhase;
  /** Our complete was accepted, and the connection has not been lost since. */
  readonly completeObserved: boolean;
  readonly escalated: boolean;
  /** What used what in the block graph while it lived. */
  readonly baseline: Baseline | undefined;
  /** The block graph showed a job that does not pivot. */
  readonly neverPivots: boolean;
  /** It has ended, and its settlement waits for the block graph to prove whether it pivoted. `dismissed`: its id is free. */
  readonly end: { readonly evidence: EndEvidence; readonly dismissed: boolean } | undefined;
  /** A command meant for an earlier life of the id may have reached this one. */
  readonly misdelivered: boolean;
  readonly settled: Settlement | undefined;
}

/** A copy that is not shared yet. */
export type MutableRun = { -readonly [Key in keyof Run]: Run[Key] };

export function beginRun(
  { source, id, run, began }: Pick<Run, 'source' | 'id' | 'run' | 'began'>,
  status: JobStatus,
  now: Micros,
  gap: boolean,
): Run {
  return {
    source,
    id,
    run,
    began,
    ref: { id: nameOf(id), run },
    type: null,
    status,
    len: 0,
    offset: 0,
    speed: 0,
    ioStatus: undefined,
    error: undefined,
    autoFinalize: undefined,
    autoDismiss: undefined,
    continuity: undefined,
    updated: now,
    stoppedBy: undefined,
    attended: false,
    sawReady: status === 'ready' || status === 'standby',
    sawAborting: status === 'aborting',
    gap,
    unobserved: false,
    absentFromQueries: 0,
    ending: { kind: 'none' },
    requestedBy: [],
    soft: 'none',
    force: 'none',
    complete: 'none',
    completeObserved: false,
    escalated: false,
    baseline: undefined,
    neverPivots: false,
    end: undefined,
    misdelivered: false,
    settled: undefined,
  };
}

/**
 * The connection is lost. Exports that come and go are announced by events alone, so after a time without them the same number of backends
 * may be others.
 */
export function unobservedChanges({ baseline }: Run): Partial<Run> {
  return {
    unobserved: true,
    gap: true,
    absentFromQueries: 0,
    completeObserved: false,
    ...(baseline && { baseline: { ...baseline, countable: false } }),
  };
}

/** Field by field, in one order with {@link beginRun}: a spread of so many costs twenty times as much. */
export function copyRun(run: Run): MutableRun {
  return {
    source: run.source,
    id: run.id,
    run: run.run,
    began: run.began,
    ref: run.ref,
    type: run.type,
    status: run.status,
    len: run.len,
    offset: run.offset,
    speed: run.speed,
    ioStatus: run.ioStatus,
    error: run.error,
    autoFinalize: run.autoFinalize,
    autoDismiss: run.autoDismiss,
    continuity: run.continuity,
    updated: run.updated,
    stoppedBy: run.stoppedBy,
    attended: run.attended,
    sawReady: run.sawReady,
    sawAborting: run.sawAborting,
    gap: run.gap,
    unobserved: run.unobserved,
    absentFromQueries: run.absentFromQueries,
    ending: run.ending,
    requestedBy: run.requestedBy,
    soft: run.soft,
    force: run.force,
    complete: run.complete,
    completeObserved: run.completeObserved,
    escalated: run.escalated,
    baseline: run.baseline,
    neverPivots: run.neverPivots,
    end: run.end,
    misdelivered: run.misdelivered,
    settled: run.settled,
  };
}

/** The run as the wire shows it. */
export function viewRun(run: Run): Job {
  const { source, ref, type, status, len, offset, speed, updated } = run;
  return {
    source,
    job: ref.id,
    run: run.run,
    type,
    status,
    len,
    offset,
    speed,
    ...(run.ioStatus !== undefined && { ioStatus: run.ioStatus }),
    ...(run.error !== undefined && { error: run.error }),
    ...(run.autoFinalize !== undefined && { autoFinalize: run.autoFinalize }),
    ...(run.autoDismiss !== undefined && { autoDismiss: run.autoDismiss }),
    ...(run.continuity !== undefined && { continuity: run.continuity }),
    ...(run.began.cursor !== undefined && { began: run.began.cursor }),
    ...(run.settled !== undefined && { settled: run.settled }),
    updated: formatMicros(updated),
  };
}

/** Its measures, for who follows progress. */
export function progressOf({ source, ref, run, status, len, offset, speed }: Run): Progress {
  return { source, job: ref.id, run, status, len, offset, speed };
}

/** Whether its end was seen, settled or not. */
export const hasEnded = (run: Run | undefined): boolean => run?.end !== undefined || run?.settled !== undefined;
export const isActive = (run: Run): boolean => !hasEnded(run);
