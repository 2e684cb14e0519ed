// What an event or a query says about a run, read as fields of it. Pure.
import type { Micros } from '../../protocol/time.js';
import type { BlockJobEventData, Int64, JobStatus } from '../../protocol/types.js';
import type { JobSignal } from './job-event.js';
import type { QueriedJob } from './queried-job.js';
import type { Run } from './run.js';
import { isReachable } from './status.js';

/** The status in which QEMU raises the signal, as far as the signal alone says it. */
export function statusAt(signal: JobSignal): JobStatus {
  switch (signal.kind) {
    case 'status':
      return signal.status === 'null' ? 'concluded' : signal.status;
    case 'ready':
      return 'ready';
    case 'completed':
      // With an error it is aborting; clients derive the status from the type alone, and `concluded` follows at once.
      return 'pending';
    case 'cancelled':
      return 'aborting';
    case 'pending':
      return 'pending';
    case 'error':
    case 'other':
      return 'running';
  }
}

export const isReadyStatus = (status: JobStatus): boolean => status === 'ready' || status === 'standby';

/**
 * Whether what is seen after a blind spell can be the same life: type, status and progress don't contradict it. `len` may shrink in
 * one life, `offset` never does.
 */
export function continues(run: Run, status: JobStatus, type: string, offset: Int64): boolean {
  if (run.type !== null && run.type !== type) return false;
  if (status === 'created' || !isReachable(run.status, status)) return false;
  return BigInt(offset) >= BigInt(run.offset);
}

export function measuresOf({ type, len, offset, speed }: BlockJobEventData, now: Micros): Partial<Run> {
  return { type, len, offset, speed, updated: now };
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
