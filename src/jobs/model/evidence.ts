// GATEWAY_RUN_EVIDENCE: an entry, never sent to clients, with what a settlement may rest on and no other entry says. It lets a restart rebuild the
// run. One entry for each change.
import type { JobType } from '../../protocol/types.js';
import type { Baseline } from './pivot.js';
import { misdeliveredChanges } from './request.js';
import { beginRun, type EndEvidence, type MutableRun, type Run } from './run.js';

export const RUN_EVIDENCE = 'GATEWAY_RUN_EVIDENCE';

/** A member that is absent has not changed; `null` means that the run has none. */
export interface RunEvidence {
  type?: JobType | null;
  error?: string | null;
  autoFinalize?: boolean | undefined;
  autoDismiss?: boolean | undefined;
  baseline?: BaselineRecord | null;
  neverPivots?: boolean;
  /** The run has ended, and its settlement waits for the block graph. */
  end?: { evidence: EndEvidence; dismissed: boolean };
  /** The caller whose command was meant for an earlier run of the id and may have reached this one. */
  misdelivered?: string;
  /** The run was settled before, and its id is free now, which no event said. */
  freed?: true;
}

/** A {@link Baseline} in JSON types. */
interface BaselineRecord extends Omit<Baseline, 'movable' | 'replaceable' | 'targetUsers'> {
  movable: readonly string[];
  replaceable: readonly (readonly [string, string])[];
  targetUsers: { named: readonly string[]; nameless: number };
}

function recordBaseline(baseline: Baseline): BaselineRecord {
  const { movable, replaceable, targetUsers } = baseline;
  return {
    ...baseline,
    movable: [...movable],
    replaceable: [...replaceable],
    targetUsers: { named: [...targetUsers.named], nameless: targetUsers.nameless },
  };
}

function readBaselineRecord(record: BaselineRecord): Baseline {
  const { movable, replaceable, targetUsers } = record;
  return {
    ...record,
    movable: new Set(movable),
    replaceable: new Map(replaceable),
    targetUsers: { named: new Set(targetUsers.named), nameless: targetUsers.nameless },
  };
}

/** A {@link Run} in JSON types. */
export type RunRecord = Omit<Run, 'baseline'> & { baseline?: BaselineRecord };

export function recordRun(run: Run): RunRecord {
  const { baseline, ...rest } = run;
  return { ...rest, ...(baseline && { baseline: recordBaseline(baseline) }) };
}

/** @param record as JSON gave it back, without the fields that are undefined. */
export function readRunRecord({ baseline, ...record }: RunRecord): Run {
  const { source, id, run, began } = record;
  const begun = beginRun({ source, id, run, began }, record.status, record.updated, record.gap);
  return Object.assign(begun, record, { baseline: baseline && readBaselineRecord(baseline) });
}

/** What a query said of a run and no event had said; for a run that begins with the query, GATEWAY_JOB_FOUND says the rest. */
export function detailsEvidence(before: Run | undefined, run: Run | undefined): RunEvidence | undefined {
  if (!run) return undefined;
  const known = before?.run === run.run ? before : { ...run, error: undefined };
  const evidence: RunEvidence = {
    ...(known.type !== run.type && { type: run.type }),
    ...(known.autoFinalize !== run.autoFinalize && { autoFinalize: run.autoFinalize }),
    ...(known.autoDismiss !== run.autoDismiss && { autoDismiss: run.autoDismiss }),
    ...(known.error !== run.error && { error: run.error ?? null }),
  };
  return Object.keys(evidence).length > 0 ? evidence : undefined;
}

/** What the block graph said of a live run. */
export function graphEvidence(before: Run | undefined, run: Run | undefined): RunEvidence | undefined {
  if (!run) return undefined;
  const recorded = ({ baseline }: Run): BaselineRecord | null => (baseline ? recordBaseline(baseline) : null);
  const now = recorded(run);
  const same = before !== undefined && JSON.stringify(recorded(before)) === JSON.stringify(now);
  if (same && before.neverPivots === run.neverPivots) return undefined;
  return { neverPivots: run.neverPivots, ...(!same && { baseline: now }) };
}

/** @param run changed in place. */
export function applyEvidence(run: MutableRun, evidence: RunEvidence): void {
  const { type, error, autoFinalize, autoDismiss, baseline, neverPivots, end, misdelivered } = evidence;
  if (type !== undefined) run.type = type;
  if (error !== undefined) run.error = error ?? undefined;
  if (autoFinalize !== undefined) run.autoFinalize = autoFinalize;
  if (autoDismiss !== undefined) run.autoDismiss = autoDismiss;
  if (baseline !== undefined) run.baseline = baseline === null ? undefined : readBaselineRecord(baseline);
  if (neverPivots !== undefined) run.neverPivots = neverPivots;
  if (end !== undefined) run.end = end;
  if (misdelivered !== undefined) Object.assign(run, misdeliveredChanges(run, misdelivered));
}
