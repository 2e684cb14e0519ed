// Replies of libvirt and of QEMU behind it, as replies to a command. Pure.
import type { QmpReply } from '../../qmp/index.js';
import type { CommandReply } from '../port.js';
import type { CallReply } from './calls.js';

/** VIR_ERR_OPERATION_TIMEOUT: another call to the domain holds libvirt's lock on it, and QEMU was sent nothing. */
export const LOCKED = 68;

/** Of a refusal by libvirt itself, where QMP has the class of QEMU's. */
export const errorClass = (code: number): string => `VIR_ERR_${code}`;

export function replyOf(reply: CallReply<unknown>): CommandReply {
  switch (reply.kind) {
    case 'return':
      return { kind: 'accepted' };
    case 'error':
      return { kind: 'refused', class: errorClass(reply.code), desc: reply.message };
    case 'closed':
      return { kind: 'closed', sent: true };
    case 'unsent':
      return { kind: 'closed', sent: false };
    default:
      return reply;
  }
}

export function qmpReplyOf(reply: QmpReply): CommandReply {
  if (reply.kind === 'return') return { kind: 'accepted' };
  return reply.kind === 'error' ? { kind: 'refused', class: reply.class, desc: reply.desc } : reply;
}
