// How a run ended, from what was seen of it. Pure; success is never assumed, and a pivot is `false` only where it is proven.
import type { Outcome, Pivoted, Provenance, Settlement } from '../protocol/types.js';
import type { Run } from './run.js';

/** `observed`: its end was seen. `shown`: a query shows it concluded. `vanished`: it is gone and nobody saw how. */
export type Evidence = { kind: 'observed' } | { kind: 'shown'; error?: string } | { kind: 'vanished' };

export function settle(run: Run, evidence: Evidence, dismissed: boolean): Settlement {
  const { outcome, provenance, error } = judge(run, evidence);
  return {
    outcome,
    provenance,
    pivoted: pivoted(run, outcome),
    forced: run.force !== 'none',
    escalated: run.escalated,
    requestedBy: [...run.requestedBy],
    dismissed,
    type: run.type,
    len: run.type === null ? null : run.len,
    offset: run.type === null ? null : run.offset,
    ...(error !== undefined && { error }),
  };
}

interface Verdict {
  outcome: Outcome;
  provenance: Provenance;
  error?: string;
}

function judge(run: Run, evidence: Evidence): Verdict {
  const cancelledByUs = run.sawAborting && (run.force === 'accepted' || run.soft === 'accepted');
  // The event that carries the outcome is the best witness, whenever the rest of the life was missed.
  if (run.ending.kind === 'cancelled') return { outcome: 'cancelled', provenance: 'observed' };
  if (run.ending.kind === 'completed') {
    const { error } = run.ending;
    return error === undefined
      ? { outcome: 'completed', provenance: 'observed' }
      : { outcome: 'failed', provenance: 'observed', error };
  }
  switch (evidence.kind) {
    case 'vanished':
      return { outcome: 'lost', provenance: 'unknown' };
    case 'shown':
      if (evidence.error === undefined) return { outcome: 'completed', provenance: 'reconciled' };
      // A cancelled job shows strerror(ECANCELED) as its error; only our own record tells it from a failure.
      return cancelledByUs
        ? { outcome: 'cancelled', provenance: 'reconciled' }
        : { outcome: 'failed', provenance: 'reconciled', error: evidence.error };
    case 'observed': {
      // No BLOCK_JOB_* event: create, amend, snapshot-*, or a job that never started. JOB_STATUS_CHANGE alone tells.
      const error = run.error === undefined ? {} : { error: run.error };
      if (cancelledByUs) return { outcome: 'cancelled', provenance: 'observed' };
      if (run.sawAborting || run.status === 'created') return { outcome: 'failed', provenance: 'observed', ...error };
      if (run.gap || run.status !== 'concluded') return { outcome: 'lost', provenance: 'unknown' };
      return { outcome: 'completed', provenance: 'observed' };
    }
  }
}

function pivoted(run: Run, outcome: Outcome): Pivoted {
  const mayPivot = run.type === null || run.type === 'mirror' || (run.type === 'commit' && (run.sawReady || run.gap));
  if (!mayPivot) return false;
  if (outcome === 'cancelled' || outcome === 'failed') return false;
  if (outcome === 'lost' || run.stray) return 'unknown';
  if (run.complete === 'accepted' && run.soft === 'none') return true;
  if (run.soft === 'accepted' && run.complete === 'none') return false;
  return 'unknown';
}
