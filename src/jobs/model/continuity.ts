// What a query says about a run, and whether it can be the run of before. Pure.
import { isReachable } from '../../protocol/rules.js';
import type { Int64, JobStatus } from '../../protocol/types.js';
import type { QueriedJob } from '../../sources/index.js';
import type { EndEvidence, Run } from './run.js';

/**
 * Whether a job that is found after a time without a connection can be the same run: its type, status and progress don't contradict that. `len` may
 * shrink within a run, `offset` never does.
 */
export function continues(run: Run, status: JobStatus, type: string, offset: Int64): boolean {
  if (run.type !== null && run.type !== type) return false;
  // A job leaves `created` once, and does not come back to it.
  if (status === 'created' ? run.status !== 'created' : !isReachable(run.status, status)) return false;
  return BigInt(offset) >= BigInt(run.offset);
}

/**
 * Whether a query shows another job under the id of that run. While events flow they say so, but not those of a `legacy` QEMU, which raises none
 * when a job begins. Of a mirror, or a commit that acts as one, `offset` went back in old QEMUs.
 */
export function isAnother(run: Run, { status, type, offset }: QueriedJob, legacy: boolean): boolean {
  if (run.unobserved) return !continues(run, status, type, offset);
  if (!legacy || run.type === null) return false;
  const isMonotone = type === 'stream' || type === 'backup';
  return run.type !== type || (isMonotone && BigInt(offset) < BigInt(run.offset));
}

/** What it means that a run is gone without an event. A READY job may have completed, so of it a cancel proves nothing. */
export function absenceOf(run: Run, { quietCancel }: { quietCancel: boolean }): EndEvidence {
  const isCancelled = run.soft === 'accepted' || run.force === 'accepted';
  return { kind: quietCancel && isCancelled && !run.unobserved && !run.sawReady ? 'cancelled' : 'vanished' };
}

/** What a query proves that shows a job concluded. Where it can't show an error, only the events tell. */
export function concludedBy({ error, errorUnknown }: QueriedJob): EndEvidence {
  if (errorUnknown) return { kind: 'observed' };
  return { kind: 'queried', ...(error !== undefined && { error }) };
}

export function detailsOf(shown: QueriedJob): Partial<Run> {
  const { type, len, offset, speed, ioStatus, error, autoFinalize, autoDismiss } = shown;
  return {
    type,
    len,
    offset,
    ...(speed !== undefined && { speed }),
    ...(ioStatus !== undefined && { ioStatus }),
    ...(error !== undefined && { error }),
    ...(autoFinalize !== undefined && { autoFinalize }),
    ...(autoDismiss !== undefined && { autoDismiss }),
  };
}
