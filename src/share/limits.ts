// Bounds on everything of a shared socket that a tool can make grow.

export interface ShareLimits {
  /** Tools that are connected to one socket. */
  tools: number;
  /** Bytes of one message of a tool. */
  messageBytes: number;
  /** Commands of a tool that wait behind the one that is executed, as many as QEMU queues; and its out-of-band commands that are not answered. */
  waiting: number;
  /** Bytes that wait in this process for a tool which does not read. */
  unsentBytes: number;
  /** Messages of a tool that are read in one turn of the loop, and characters after which it ends: a message at its bound may take 40 ms. */
  perTurn: number;
  charsPerTurn: number;
}

export const SHARE_LIMITS: ShareLimits = {
  tools: 64,
  messageBytes: 256 * 1024,
  waiting: 8,
  unsentBytes: 16 * 1024 * 1024,
  perTurn: 64,
  charsPerTurn: 64 * 1024,
};

/** As metrics name them. */
export type ShareLimitName = 'share_commands' | 'share_message_bytes' | 'share_tools' | 'share_unsent_bytes';
