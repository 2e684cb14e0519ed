// What an event of QEMU changes in a run, whether the event comes from the monitor now or is read from the log after a restart.
import { ERROR_LENGTH } from '../../protocol/limits.js';
import { isInSync } from '../../protocol/rules.js';
import { cutText } from '../../protocol/text.js';
import type { Micros } from '../../protocol/time.js';
import type { BlockJobEventData, JobStatus } from '../../protocol/types.js';
import type { JobSignal } from './job-event.js';
import type { MutableRun } from './run.js';

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
    case 'libvirt':
    case 'other':
      return 'running';
  }
}

/** Whether the signal is the creation of a job: a run that begins otherwise began before the gateway saw it. */
export const isCreation = (signal: JobSignal): boolean => signal.kind === 'status' && signal.status === 'created';

/** @param run changed in place. @param legacy QEMU before 3.0: it raises no JOB_STATUS_CHANGE. */
export function applySignal(run: MutableRun, signal: JobSignal, now: () => Micros, legacy: boolean): void {
  switch (signal.kind) {
    case 'status':
      return applyStatus(run, signal.status);
    case 'ready':
      measure(run, signal.data, now());
      run.sawReady = true;
      if (legacy) run.status = 'ready';
      return;
    case 'completed': {
      const { error } = signal.data;
      measure(run, signal.data, now());
      run.ending = { kind: 'completed' };
      if (error === undefined) return;
      run.error = cutText(error, ERROR_LENGTH);
      run.ending = { kind: 'completed', error: run.error };
      return;
    }
    case 'cancelled':
      measure(run, signal.data, now());
      run.ending = { kind: 'cancelled' };
      return;
    case 'error':
      // QEMU can raise thousands of these a second; only one that stops the job changes the run.
      if (signal.data.action !== 'stop') return;
      run.stoppedBy = { operation: signal.data.operation, action: signal.data.action };
      run.attended = false;
      return;
    case 'pending':
      run.type = signal.data.type;
      return;
    case 'libvirt':
      if (signal.data.status !== 'ready') run.libvirt = signal.data.status;
      return;
    case 'other':
      return;
  }
}

function applyStatus(run: MutableRun, status: JobStatus | 'null'): void {
  if (status === 'null') return;
  run.status = status;
  if (isInSync(status)) run.sawReady = true;
  if (status === 'aborting') run.sawAborting = true;
  if (status !== 'running' && status !== 'ready') return;
  // The job was stopped by an error: resuming it resets its io-status.
  run.attended = false;
  if (run.ioStatus !== undefined) run.ioStatus = 'ok';
}

function measure(run: MutableRun, { type, len, offset, speed }: BlockJobEventData, now: Micros): void {
  run.type = type;
  run.len = len;
  run.offset = offset;
  run.speed = speed;
  run.updated = now;
}
