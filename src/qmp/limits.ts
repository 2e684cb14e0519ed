// Bounds on everything in one connection that can grow or wait, each with its reason. Tests shorten the intervals.

export interface QmpLimits {
  /** Bytes of one message. query-qmp-schema of a system emulator is a few hundred KiB; libvirt's own cap is 10 MiB. */
  maxMessageBytes: number;
  /** Bytes of an event up to which its data is kept whole; of a larger one the members that the job model reads. */
  maxEventBytes: number;
  /** Characters of QEMU's error texts, in events, replies and queries. */
  maxText: number;
  /** Commands written and not yet answered. QEMU queues at most 8 per monitor before it stops reading. */
  maxInFlight: number;
  /** Commands of one lane that wait to be written. */
  maxQueued: number;
  /** Messages, and their bytes, that may come before the negotiation reply: events, and replies to an earlier client's commands. */
  maxEarly: number;
  maxEarlyBytes: number;
  /** Milliseconds to the TCP or unix connection. */
  connectMs: number;
  /**
   * Milliseconds to the greeting; after that the source is reported as silent. QEMU serves one client at a time, and a second one gets no greeting
   * until the first has gone.
   */
  greetingMs: number;
  /** Milliseconds to the negotiation reply; after that the source is reported as stalled. QEMU's main loop replies, and a drain can block it. */
  negotiationMs: number;
  /** Milliseconds to a command's reply. */
  commandMs: number;
  /** Milliseconds for which a TCP peer's host may leave bytes unacknowledged before the connection is closed, and between two checks. */
  unacknowledgedMs: number;
  unacknowledgedCheckMs: number;
}

export const QMP_LIMITS: QmpLimits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxEventBytes: 256 * 1024,
  maxText: 4_096,
  maxInFlight: 8,
  maxQueued: 1_024,
  maxEarly: 10_000,
  maxEarlyBytes: 4 * 1024 * 1024,
  connectMs: 10_000,
  greetingMs: 10_000,
  negotiationMs: 30_000,
  commandMs: 30_000,
  unacknowledgedMs: 60_000,
  unacknowledgedCheckMs: 5_000,
};
