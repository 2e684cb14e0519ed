// Is the QEMU behind a source the one from before? QMP has no identity of its own. In: two observations. Out: only what they prove.
import { statSync } from 'node:fs';
import type { Same } from '../../protocol/types.js';
import { formatVersion, type MonitorAddress, type QmpGreeting } from '../../qmp/index.js';

export interface Identity {
  /** Version and package of the greeting. */
  version: string;
  /** Device, inode and birth of the listening socket's file: QEMU unlinks it and binds it anew when it starts. */
  socket?: string;
  /** Thread ids of the vCPUs (query-cpus-fast); a storage daemon has none. */
  threads?: readonly number[];
}

/** One synchronous stat of a local path, so that nothing is read from the monitor meanwhile. Never throws: what can't be seen proves nothing. */
export function socketBirth(address: MonitorAddress): string | undefined {
  if (address.kind !== 'unix') return undefined;
  try {
    const { dev, ino, birthtimeNs } = statSync(address.path, { bigint: true });
    return `${dev}:${ino}:${birthtimeNs}`;
  } catch {
    return undefined;
  }
}

/**
 * What is known of a QEMU by its greeting and its socket. Only a file that was there before the connection is the one that was connected
 * to: QEMU may be replaced meanwhile.
 *
 * @param before {@link socketBirth} before the connection. @param now the same, after the greeting.
 */
export function observe(
  version: QmpGreeting['version'],
  before: string | undefined,
  now: string | undefined,
): Identity {
  const identity: Identity = { version: `${formatVersion(version)} ${version.package}` };
  if (now !== undefined && now === before) identity.socket = now;
  return identity;
}

/**
 * `false` where two observations differ that one process can't give, `true` where the same file still listens or a vCPU thread lives
 * on, else `unknown`. Hot-plug changes some threads, never all.
 */
export function compareIdentity(before: Identity | undefined, now: Identity): Same {
  if (!before) return 'unknown';
  if (before.version !== now.version) return false;
  const sockets = before.socket && now.socket ? before.socket === now.socket : 'unknown';
  const threads =
    before.threads?.length && now.threads?.length ? before.threads.some((id) => now.threads?.includes(id)) : 'unknown';
  if (sockets === false || threads === false) return false;
  return sockets === true || threads === true ? true : 'unknown';
}
