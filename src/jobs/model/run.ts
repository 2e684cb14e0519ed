// One run of a job as the gateway knows it. Immutable: `reduceJob` makes the next one. Every field is always present, so that V8 gives all runs one
// hidden class.
import type { LogPosition } from '../../protocol/draft.js';
import { isInSync } from '../../protocol/rules.js';
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

/** How far a command through the gateway has got, its own or a tool's. A refused one is `none` again. `unknown`: it got no answer. */
export type CommandPhase = 'none' | 'written' | 'accepted' | 'unknown';

/** The event that carries the outcome, if it was seen; it comes before the run's end. */
export type Ending = { kind: 'none' } | { kind: 'completed'; error?: string } | { kind: 'cancelled' };

/**
 * `observed`: events said that it ended. `queried`: a query shows it concluded. `cancelled`: it is gone after an accepted cancel, which this QEMU
 * does not say by an event. `vanished`: it is gone, and neither events nor a query said how.
 */
export type EndEvidence =
  | { kind: 'observed' }
  | { kind: 'queried'; error?: string }
  | { kind: 'cancelled' }
  | { kind: 'vanished' };

export interface Run {
  readonly source: string;
  /** QEMU's id, of any length; on the wire it is `ref.id`. */
  readonly id: string;
  readonly run: RunId;
  /** Position and time of the entry that began the run. */
  readonly began: LogPosition;
  /** Its name in entries: one object, shared by all of them. */
  readonly ref: JobRef;
  readonly type: JobType | null;
  /** As the log published it last; a query changes it only together with an entry. */
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
  /** Part of the run was missed: a query found it, or the connection was lost while it ran. */
  readonly gap: boolean;
  /** The connection was lost, and no query has shown the run since. */
  readonly unobserved: boolean;
  /** Number of queries in a row that did not list it while events flowed. */
  readonly absentFromQueries: number;
  readonly ending: Ending;
  /** What libvirt has said of the end. */
  readonly libvirt: Settlement['libvirt'];
  /** In order. A principal with several commands is in it once for each, since a refusal removes one. */
  readonly requestedBy: readonly string[];
  readonly soft: CommandPhase;
  readonly force: CommandPhase;
  readonly complete: CommandPhase;
  /** A complete through the gateway was accepted, and the connection has not been lost since. */
  readonly completeObserved: boolean;
  readonly escalated: boolean;
  /** Who used the disk while the job ran, by the block graph. */
  readonly baseline: Baseline | undefined;
  /** The block graph showed a job that does not pivot. */
  readonly neverPivots: boolean;
  /** It has ended, and its settlement waits for the block graph to prove whether it pivoted. `dismissed`: its id is free. */
  readonly end: { readonly evidence: EndEvidence; readonly dismissed: boolean } | undefined;
  /** A command that was meant for an earlier run of the id may have reached this one. */
  readonly misdelivered: boolean;
  readonly settled: Settlement | undefined;
}

/** A run that may be changed: nothing else refers to it yet. */
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
    sawReady: isInSync(status),
    sawAborting: status === 'aborting',
    gap,
    unobserved: false,
    absentFromQueries: 0,
    ending: { kind: 'none' },
    libvirt: undefined,
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
 * The connection is lost. Only events say that exports come and go, so afterwards the same number of nameless backends may be other ones.
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

/** Field by field, in the order of {@link beginRun}: a spread of so many fields takes twenty times as long. */
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
    libvirt: run.libvirt,
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

/** Its measures, for subscribers to progress. */
export function progressOf({ source, ref, run, status, len, offset, speed }: Run): Progress {
  return { source, job: ref.id, run, status, len, offset, speed };
}

/** Whether the run has ended, settled or not yet. */
export const hasEnded = (run: Run | undefined): boolean => run?.end !== undefined || run?.settled !== undefined;
export const isActive = (run: Run): boolean => !hasEnded(run);

/** The newest run that its source also knows by that name. */
export function runAlsoNamed(
  runs: ReadonlyMap<string, Run>,
  name: string,
  source: { otherNameOf?(id: string): string | undefined },
): Run | undefined {
  let found: Run | undefined;
  if (source.otherNameOf)
    for (const run of runs.values())
      if (source.otherNameOf(run.id) === name && (!found || hasEnded(found))) found = run;
  return found;
}
