// Everything in one conversation that can grow or wait, with its reason. Tests shorten the intervals.

export interface QmpLimits {
  /** Bytes of one message. query-qmp-schema of a system emulator is a few hundred KiB; libvirt's own cap is 10 MiB. */
  maxMessageBytes: number;
  /** Bytes of an event up to which its data is kept whole; of a larger one the members that the job model reads. */
  maxEventBytes: number;
  /** Characters of QEMU's error texts, in events, replies and queries. */
  maxText: number;
  /** Commands written and not yet answered. QEMU queues at most 8 per monitor before it stops reading. */
  maxInFlight: number;
  /** Commands that wait for one of those places. */
  maxQueued: number;
  /** Messages, and bytes of them, that may come before the negotiation reply: events, and replies to an earlier client. */
  maxEarly: number;
  maxEarlyBytes: number;
  /** Milliseconds to the TCP or unix connection. */
  connectMs: number;
  /** Milliseconds to the greeting until the source is called silent. A chardev serves one client: behind another there is silence. */
  greetingMs: number;
  /** Milliseconds to the negotiation reply until it is called stalled: QEMU's main loop gives it, and a drain can hold that. */
  negotiationMs: number;
  /** Milliseconds to a command's reply. */
  commandMs: number;
  /** Milliseconds that a TCP peer's host may leave bytes unacknowledged until the connection is given up, and between two looks. */
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
