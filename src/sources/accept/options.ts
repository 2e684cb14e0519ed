// Where QEMUs connect to the gateway by themselves, and the bounds on what they can make grow. Tests shorten the intervals.
import { CLOCK, type Clock } from '../../clock.js';
import type { SocketFile } from '../../socket-file.js';

/** `many`: each connection is a source, named by `name` and a number; else one source of that name. */
export interface AcceptSettings {
  name: string;
  many: boolean;
  address: ({ kind: 'unix' } & SocketFile) | { kind: 'tcp'; host: string; port: number };
}

/** As it is given, with every parameter: another text is another socket. */
export function formatAccept({ name, many, address }: AcceptSettings): string {
  const source = many ? `${name}-*` : name;
  if (address.kind === 'tcp')
    return `${source}=tcp:${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
  const { path, mode, group } = address;
  const ofGroup = group === undefined ? '' : `&group=${group}`;
  return `${source}=unix:${path}?mode=0${mode.toString(8).padStart(3, '0')}${ofGroup}`;
}

/**
 * `accept_connected`: a connection to a name that has one. `accept_sources`: one beyond the names of a prefix. `accept_pending`: one while too many have
 * not negotiated. `accept_rate`: too many a second. `accept_greeting`: no greeting, or no TLS, in time.
 */
export type AcceptLimitName =
  | 'accept_connected'
  | 'accept_sources'
  | 'accept_pending'
  | 'accept_rate'
  | 'accept_greeting';

export interface AcceptOptions {
  clock: Clock;
  /** Sources of one prefix that are connected. */
  sources: number;
  /** Connections of one socket that have not negotiated. */
  pending: number;
  /** Bytes of each of these. */
  earlyBytes: number;
  /** Connections of one socket that are refused and have not greeted. More are closed before that. */
  refused: number;
  /** Connections of one socket in a second, and at once. A restarted gateway is connected to by all its QEMUs within their `reconnect`. */
  perSecond: number;
  burst: number;
  /** Milliseconds to the greeting, which QEMU writes as soon as it is connected; before that to the end of the TLS handshake. */
  greetingMs: number;
  /** Milliseconds from the greeting to the negotiation reply; after that QEMU counts as stalled, and stays connected. Less than `absentMs`. */
  negotiationMs: number;
  /** Milliseconds without a connection after which a source counts as absent. It must exceed the `reconnect` of the QEMUs, which is in seconds. */
  absentMs: number;
  /** Milliseconds for which a name of a prefix outlives its connection. */
  goneMs: number;
  /** Milliseconds until the next try to listen, and between two log lines of one kind. */
  retryMs: number;
  noteMs: number;
}

export const ACCEPT_DEFAULTS: AcceptOptions = {
  clock: CLOCK,
  sources: 256,
  pending: 64,
  earlyBytes: 1024 * 1024,
  refused: 256,
  perSecond: 16,
  burst: 512,
  greetingMs: 10_000,
  negotiationMs: 2_000,
  absentMs: 5_000,
  goneMs: 60_000,
  retryMs: 5_000,
  noteMs: 10_000,
};
