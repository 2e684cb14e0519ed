// Time bounds of a cluster's members, which tests shorten.
import { WRITER_DEFAULTS, type WriterOptions } from '../log/index.js';

export interface ClusterOptions {
  /** Milliseconds after which a source whose owner is gone may be taken over. */
  ttlMs: number;
  /** Milliseconds without a renewal of its lock after which an owner lets a source go that has a standby. */
  letGoMs: number;
  /** Milliseconds between two messages about which sources a member has, or would take over. */
  holdMs: number;
  /** Milliseconds without such a message after which an edge says that nobody has a source. */
  unownedMs: number;
  /** Milliseconds until what failed is tried again. */
  retryMs: number;
  /** Milliseconds for which an owner tries to make the stream and the locks at its start. */
  startMs: number;
  /** Milliseconds that the last entries of a source may take when it is handed over. */
  handOverMs: number;
  /** Milliseconds between two looks at the retention of the stream. */
  retentionMs: number;
  /** Milliseconds beyond the bound of a call for which an edge awaits the owner's answer. */
  graceMs: number;
  writer: Omit<WriterOptions, 'clock'>;
}

export const CLUSTER_DEFAULTS: ClusterOptions = {
  ttlMs: 3_000,
  letGoMs: 8_000,
  holdMs: 2_000,
  unownedMs: 10_000,
  retryMs: 500,
  startMs: 60_000,
  handOverMs: 3_000,
  retentionMs: 60_000,
  graceMs: 250,
  writer: WRITER_DEFAULTS,
};
