// QEMU's events sorted for the job model: which job an event concerns, and what it says of it. Other events give `undefined`.
import { isJobStatus } from '../../protocol/rules.js';
import type { BlockJobEventData, JobStatus, LibvirtEventData, QemuEventData } from '../../protocol/types.js';
import type { SourceEvent } from '../../sources/index.js';

export type JobSignal =
  | { kind: 'status'; status: JobStatus | 'null' }
  | { kind: 'ready'; data: BlockJobEventData }
  | { kind: 'completed'; data: QemuEventData['BLOCK_JOB_COMPLETED'] }
  | { kind: 'cancelled'; data: BlockJobEventData }
  | { kind: 'error'; data: QemuEventData['BLOCK_JOB_ERROR'] }
  | { kind: 'pending'; data: QemuEventData['BLOCK_JOB_PENDING'] }
  | { kind: 'libvirt'; data: LibvirtEventData['LIBVIRT_BLOCK_JOB'] }
  /** An event of a job that the model does not read. */
  | { kind: 'other' };

export interface JobEvent {
  id: string;
  signal: JobSignal;
}

/** `device` in some events and `id` in the others are both the job's id (qapi/block-core.json). Its data has passed the guards of `qmp`. */
export function readJobEvent({ type, data }: SourceEvent): JobEvent | undefined {
  if (!type.startsWith('BLOCK_JOB_') && !type.startsWith('JOB_') && type !== 'LIBVIRT_BLOCK_JOB') return undefined;
  if (typeof data !== 'object' || data === null) return undefined;
  const { id: named, device, status } = data as Record<string, unknown>;
  const id = typeof named === 'string' ? named : device;
  // Some of QEMU's internal jobs have no id, so no command could address them either.
  if (typeof id !== 'string' || id === '') return undefined;
  switch (type) {
    case 'JOB_STATUS_CHANGE':
      return { id, signal: status === 'null' || isJobStatus(status) ? { kind: 'status', status } : { kind: 'other' } };
    case 'BLOCK_JOB_READY':
      return { id, signal: { kind: 'ready', data: data as QemuEventData['BLOCK_JOB_READY'] } };
    case 'BLOCK_JOB_COMPLETED':
      return { id, signal: { kind: 'completed', data: data as QemuEventData['BLOCK_JOB_COMPLETED'] } };
    case 'BLOCK_JOB_CANCELLED':
      return { id, signal: { kind: 'cancelled', data: data as QemuEventData['BLOCK_JOB_CANCELLED'] } };
    case 'BLOCK_JOB_ERROR':
      return { id, signal: { kind: 'error', data: data as QemuEventData['BLOCK_JOB_ERROR'] } };
    case 'BLOCK_JOB_PENDING':
      return { id, signal: { kind: 'pending', data: data as QemuEventData['BLOCK_JOB_PENDING'] } };
    case 'LIBVIRT_BLOCK_JOB':
      return { id, signal: { kind: 'libvirt', data: data as LibvirtEventData['LIBVIRT_BLOCK_JOB'] } };
    default:
      return { id, signal: { kind: 'other' } };
  }
}

/** Events after which the users of a disk may be others under the same names: an export or a device was removed, a medium was changed. */
const DISTURBING = new Set(['BLOCK_EXPORT_DELETED', 'DEVICE_DELETED', 'DEVICE_TRAY_MOVED']);

export const isDisturbing = ({ type }: SourceEvent): boolean => DISTURBING.has(type);
