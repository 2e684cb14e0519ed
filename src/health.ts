// Which parts of the gateway are unwell although it serves: `/readyz` and metrics name them.
import type { LogStatus } from './log/index.js';

/**
 * `log`: more than {@link NEAR} of its entries or bytes are used, so that the retention is or will be shorter than its time; or its store has refused
 * a batch, or is that far behind; or its disk takes nothing. `credentials`: the settings could not be read again, and the former ones
 * are in force, or an issuer's keys could not be fetched. `cluster`: NATS can't be reached.
 */
export type Health = Readonly<Record<'log' | 'credentials' | 'cluster', boolean>>;

const NEAR = 0.9;

export function judgeHealth(log: LogStatus, areStale: boolean, isCutOff: boolean): Health {
  const { entries, maxEntries, bytes, maxBytes, waitingBytes, maxWaitingBytes, isRetrying } = log;
  // A folder that is full of old entries is as it should be: they go when newer ones come.
  if (log.disk) return { log: log.disk.problem !== undefined, credentials: areStale, cluster: isCutOff };
  const isFull = entries > NEAR * maxEntries || bytes > NEAR * maxBytes || waitingBytes > NEAR * maxWaitingBytes;
  return { log: isFull || isRetrying, credentials: areStale, cluster: isCutOff };
}
