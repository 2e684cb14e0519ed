// Which QMP command carries a verb, with its arguments, by what this QEMU has. Pure.
// The job-* commands are preferred (block-job-* are deprecated since 10.1), but a soft cancel has only block-job-cancel.

import type { JobVerb } from '../../protocol/types.js';
import type { QmpCommandName, QmpCommands } from '../../qmp/index.js';
import type { Carrier, JobCommand } from '../port.js';

type QmpCall = { [Name in QmpCommandName]: { name: Name; args: QmpCommands[Name]['args'] } }[QmpCommandName];

/** Of QEMU before 1.1: it answers only when the job is gone, and nothing else meanwhile. */
export const SYNCHRONOUS_CANCEL = 'block_job_cancel';

/** The commands of which one carries the verb. */
export const CARRIERS: Readonly<Record<JobVerb, readonly QmpCommandName[]>> = {
  abort: ['block-job-cancel', 'job-cancel', SYNCHRONOUS_CANCEL],
  complete: ['job-complete', 'block-job-complete'],
  pause: ['job-pause', 'block-job-pause'],
  resume: ['job-resume', 'block-job-resume'],
  finalize: ['job-finalize', 'block-job-finalize'],
  dismiss: ['job-dismiss', 'block-job-dismiss'],
  setSpeed: ['block-job-set-speed', 'block_job_set_speed'],
};

export function qmpCall(
  { verb, id, force = false, speed = 0 }: JobCommand,
  has: (command: QmpCommandName) => boolean,
): QmpCall {
  switch (verb) {
    case 'abort':
      if (!has('block-job-cancel') && has(SYNCHRONOUS_CANCEL))
        return { name: SYNCHRONOUS_CANCEL, args: { device: id } };
      if (!force) return { name: 'block-job-cancel', args: { device: id } };
      return has('job-cancel')
        ? { name: 'job-cancel', args: { id } }
        : { name: 'block-job-cancel', args: { device: id, force: true } };
    case 'complete':
      return has('job-complete')
        ? { name: 'job-complete', args: { id } }
        : { name: 'block-job-complete', args: { device: id } };
    case 'pause':
      return has('job-pause') ? { name: 'job-pause', args: { id } } : { name: 'block-job-pause', args: { device: id } };
    case 'resume':
      return has('job-resume')
        ? { name: 'job-resume', args: { id } }
        : { name: 'block-job-resume', args: { device: id } };
    case 'finalize':
      return has('job-finalize')
        ? { name: 'job-finalize', args: { id } }
        : { name: 'block-job-finalize', args: { id } };
    case 'dismiss':
      return has('job-dismiss') ? { name: 'job-dismiss', args: { id } } : { name: 'block-job-dismiss', args: { id } };
    case 'setSpeed':
      if (!has('block-job-set-speed') && has('block_job_set_speed'))
        return { name: 'block_job_set_speed', args: { device: id, value: BigInt(speed) } };
      return { name: 'block-job-set-speed', args: { device: id, speed: BigInt(speed) } };
  }
}

/** The same call for clients. */
export function carrierOf({ name, args }: QmpCall): Carrier {
  const entries = Object.entries(args ?? {}).map(([key, value]) => [
    key,
    typeof value === 'bigint' ? plain(value) : value,
  ]);
  return { command: name, arguments: Object.fromEntries(entries) };
}

const plain = (value: bigint): number | string => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value));
