// What a query says about a run, and whether it can be the run of before. Pure.
import type { Int64, JobStatus } from '../../protocol/types.js';
import type { QueriedJob } from '../../sources/index.js';
import type { Run } from './run.js';
import { isReachable } from './status.js';

export const isReadyStatus = (status: JobStatus): boolean => status === 'ready' || status === 'standby';

/**
 * Whether a job that is found after a time without a connection can be the same run: its type, status and progress don't contradict that. `len` may
 * shrink within a run, `offset` never does.
 */
export function continues(run: Run, status: JobStatus, type: string, offset: Int64): boolean {
  if (run.type !== null && run.type !== type) return false;
  if (status === 'created' || !isReachable(run.status, status)) return false;
  return BigInt(offset) >= BigInt(run.offset);
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
