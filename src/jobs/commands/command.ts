// Which QMP command carries a verb. In: the verb, the run, what this QEMU has. Out: name and arguments. Pure.
// The job-* commands are preferred (block-job-* are deprecated since 10.1), but a soft cancel has only block-job-cancel.
import type { Int64, JobVerb } from '../../protocol/types.js';
import type { QmpCommandName, QmpCommands } from '../../qmp/index.js';

export type QmpCall = { [Name in QmpCommandName]: { name: Name; args: QmpCommands[Name]['args'] } }[QmpCommandName];

export interface VerbCall {
  verb: JobVerb;
  id: string;
  /** With `abort`: end a READY mirror at once. */
  force?: boolean;
  /** With `setSpeed`: bytes per second. */
  speed?: Int64;
}

export function qmpCall(
  { verb, id, force = false, speed = 0 }: VerbCall,
  has: (command: QmpCommandName) => boolean,
): QmpCall {
  switch (verb) {
    case 'abort':
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
      return { name: 'block-job-set-speed', args: { device: id, speed: BigInt(speed) } };
  }
}
