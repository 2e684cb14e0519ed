// Why a connection to a monitor ended or was never made: errors of the operating system mapped to the wire's reasons.
import { cutText } from '../protocol/text.js';
import type { DownReason } from '../protocol/types.js';

/** The only error of a monitor's Observable. `reason` is stable; clients see it in GATEWAY_SOURCE_DOWN and source.list. */
export class MonitorLost extends Error {
  override readonly name = 'MonitorLost';
  readonly reason: DownReason;

  /** @param detail for people; cut to 300 characters, since it may quote the peer. */
  constructor(reason: DownReason, detail: string, options?: { cause?: unknown }) {
    super(`${reason}: ${cutText(detail, 300)}`, options);
    this.reason = reason;
  }
}

const REASONS: Record<string, DownReason> = {
  ENOENT: 'absent',
  ENOTFOUND: 'absent',
  // None of these proves that there is no QEMU: a packet filter, a cable, a host that is down or a name server that does not answer causes them too.
  EAI_AGAIN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  ETIMEDOUT: 'unreachable',
  ENOTSOCK: 'absent',
  EACCES: 'denied',
  EPERM: 'denied',
  ECONNREFUSED: 'refused',
  // A unix listener's backlog (1 in QEMU) is full: another client waits there already.
  EAGAIN: 'occupied',
  EPIPE: 'closed',
  ECONNRESET: 'closed',
};

export function toMonitorLost(error: unknown): MonitorLost {
  if (error instanceof MonitorLost) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new MonitorLost(REASONS[code ?? ''] ?? 'closed', message ?? String(error), { cause: error });
}
