// Why a conversation with a monitor ended or never began. In: an error of the operating system. Out: a reason of the wire.
import { cutText } from '../protocol/text.js';
import type { DownReason } from '../protocol/types.js';

/** The only error of a monitor's Observable. `reason` is stable and stands in GATEWAY_SOURCE_DOWN and source.list. */
export class MonitorLost extends Error {
  override readonly name = 'MonitorLost';
  readonly reason: DownReason;

  /** @param detail for people; it may quote the peer, so it is cut. */
  constructor(reason: DownReason, detail: string, options?: { cause?: unknown }) {
    super(`${reason}: ${cutText(detail, 300)}`, options);
    this.reason = reason;
  }
}

const REASONS: Record<string, DownReason> = {
  ENOENT: 'absent',
  ENOTFOUND: 'absent',
  EAI_AGAIN: 'absent',
  // Nobody said that there is no QEMU: a packet filter, a cable, a host that is down.
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  ETIMEDOUT: 'unreachable',
  ENOTSOCK: 'absent',
  EACCES: 'denied',
  EPERM: 'denied',
  ECONNREFUSED: 'refused',
  // A unix listener whose backlog (QEMU: 1) is full: other clients wait there already.
  EAGAIN: 'occupied',
  EPIPE: 'closed',
  ECONNRESET: 'closed',
};

export function lostBy(error: unknown): MonitorLost {
  if (error instanceof MonitorLost) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new MonitorLost(REASONS[code ?? ''] ?? 'closed', message ?? String(error), { cause: error });
}
