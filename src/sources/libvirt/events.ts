// What libvirtd relays of a domain, checked and in the words of the wire. Pure.
import type { LibvirtEventData } from '../../protocol/types.js';
import { type QmpEvent, type RelayedEvent, readRelayedEvent } from '../../qmp/index.js';
import type { LibvirtMessage } from './procedures.js';

/** virDomainBlockJobType and virConnectDomainEventBlockJobStatus. */
const TYPES = ['unknown', 'pull', 'copy', 'commit', 'active-commit', 'backup'] as const;
const STATUSES = ['completed', 'failed', 'canceled', 'ready'] as const;

export type DomainEvent = RelayedEvent | { kind: 'word'; data: LibvirtEventData['LIBVIRT_BLOCK_JOB'] };

/** @param eventCut called where the data of an event was too large to be kept whole. */
export function readEvent(message: Exclude<LibvirtMessage, { kind: 'lifecycle' }>, eventCut?: () => void): DomainEvent {
  if (message.kind === 'monitor-event') {
    const { type, seconds, micros, data } = message;
    const time = Number(seconds) * 1_000_000 + micros;
    return readRelayedEvent(type, seconds >= 0n && Number.isSafeInteger(time) ? time : null, data, eventCut);
  }
  const { target, type, status } = message;
  const said = STATUSES[status];
  if (!said) return { kind: 'malformed', why: `a block job with the status ${status}` };
  return { kind: 'word', data: { target, type: TYPES[type] ?? String(type), status: said } };
}

/** Of a JOB_STATUS_CHANGE: which job it is of, and its status. */
export function statusOf({ type, data }: QmpEvent): { id: string; status: string } | undefined {
  if (type !== 'JOB_STATUS_CHANGE') return undefined;
  // The guards of `qmp` have seen both.
  return data as { id: string; status: string };
}
