// How a run ended, from what was seen of it. Pure. Success is never assumed, and a pivot is `true` or `false` only where it is proven.
import { neverPivots as neverPivotsByType } from '../../protocol/rules.js';
import type { Outcome, Pivoted, PivotProof, Provenance, Settlement } from '../../protocol/types.js';
import type { EndEvidence, Run } from './run.js';

/** @param graph what the block graph says of a pivot; `unknown` where it could not be queried. */
export function decideOutcome(run: Run, evidence: EndEvidence, dismissed: boolean, graph: Pivoted): Settlement {
  const { outcome, provenance, error } = judge(run, evidence);
  const { pivoted, pivotProof } = pivotOf(run, outcome, graph);
  const { began } = run;
  return {
    outcome,
    provenance,
    pivoted,
    pivotProof,
    forced: run.force !== 'none',
    escalated: run.escalated,
    // A run has one for each command, since a refused one is taken back.
    requestedBy: [...new Set(run.requestedBy)],
    // A getter, since `began` may have no cursor yet: it is read when the settlement itself is written to the log, which is later.
    get began() {
      return began.cursor ?? '';
    },
    dismissed,
    type: run.type,
    len: run.type === null ? null : run.len,
    offset: run.type === null ? null : run.offset,
    ...(run.libvirt !== undefined && { libvirt: run.libvirt }),
    ...(error !== undefined && { error }),
  };
}

interface Verdict {
  outcome: Outcome;
  provenance: Provenance;
  error?: string;
}

function judge(run: Run, evidence: EndEvidence): Verdict {
  // Once QEMU has accepted a forced cancel, or a soft one of a job that is not READY, it says BLOCK_JOB_CANCELLED of any end with an error. A READY
  // job that a soft cancel ends with an error has failed.
  const cancelledByUs = run.force === 'accepted' || (run.soft === 'accepted' && !run.sawReady);
  // The event that carries the outcome counts whatever else of the run was missed.
  if (run.ending.kind === 'cancelled') return { outcome: 'cancelled', provenance: 'observed' };
  if (run.ending.kind === 'completed') {
    const { error } = run.ending;
    return error === undefined
      ? { outcome: 'completed', provenance: 'observed' }
      : { outcome: 'failed', provenance: 'observed', error };
  }
  switch (evidence.kind) {
    case 'cancelled':
      return { outcome: 'cancelled', provenance: 'reconciled' };
    case 'vanished':
      return { outcome: 'lost', provenance: 'unknown' };
    case 'queried':
      if (evidence.error === undefined) return { outcome: 'completed', provenance: 'reconciled' };
      // A cancelled job has strerror(ECANCELED) as its error, which a failure could have too; that our cancel was accepted tells them apart.
      return cancelledByUs
        ? { outcome: 'cancelled', provenance: 'reconciled' }
        : { outcome: 'failed', provenance: 'reconciled', error: evidence.error };
    case 'observed': {
      // No BLOCK_JOB_* event: create, amend, snapshot-*, or a job that never started. Then only JOB_STATUS_CHANGE says how it ended.
      const error = run.error === undefined ? {} : { error: run.error };
      if (run.sawAborting && cancelledByUs) return { outcome: 'cancelled', provenance: 'observed' };
      if (run.sawAborting || run.status === 'created') return { outcome: 'failed', provenance: 'observed', ...error };
      if (run.gap || run.status !== 'concluded') return { outcome: 'lost', provenance: 'unknown' };
      return { outcome: 'completed', provenance: 'observed' };
    }
  }
}

function isNeverPivoting({ type, neverPivots, sawReady, gap }: Run): boolean {
  // Only an active commit becomes READY, and it completes only from there. Of a run with a gap, READY may have been missed.
  return (neverPivots && type !== 'mirror') || neverPivotsByType(type) || (type === 'commit' && !sawReady && !gap);
}

export const mayPivot = (run: Run): boolean => !isNeverPivoting(run);

/** Whether the block graph is needed to tell if the run pivoted. */
export function needsGraph(run: Run): boolean {
  return run.baseline !== undefined && run.ending.kind !== 'cancelled' && !isNeverPivoting(run);
}

function pivotOf(run: Run, outcome: Outcome, graph: Pivoted): { pivoted: Pivoted; pivotProof: PivotProof } {
  if (run.ending.kind === 'cancelled') return { pivoted: false, pivotProof: 'event' };
  if (isNeverPivoting(run)) return { pivoted: false, pivotProof: 'type' };
  if (graph !== 'unknown') return { pivoted: graph, pivotProof: 'graph' };
  // QEMU refuses a complete after a soft cancel, and ignores a soft cancel after a complete. So an accepted soft cancel of ours proves nothing:
  // another client's complete may have come before it.
  if (outcome === 'completed' && run.completeObserved && !run.misdelivered)
    return { pivoted: true, pivotProof: 'command' };
  return { pivoted: 'unknown', pivotProof: null };
}
