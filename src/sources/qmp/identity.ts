// Whether the QEMU behind a source is the one of the previous connection. QMP has no identity of a process, so two observations are compared, and the
// result says only what they prove.
import { statSync } from 'node:fs';
import type { Same } from '../../protocol/types.js';
import { formatVersion, type MonitorAddress, type QmpGreeting } from '../../qmp/index.js';

export interface Identity {
  /** Where it listens; missing where a QEMU connects to the gateway. */
  address?: string;
  /** Version and package of the greeting. */
  version: string;
  /** Device, inode and birth time of the listening socket's file: QEMU unlinks the file and binds a new one when it starts. */
  socket?: string;
  /** Thread ids of the vCPUs (query-cpus-fast); a storage daemon has none. */
  threads?: readonly number[];
}

/** One synchronous stat of a local path, during which nothing is read from the monitor. Never throws: `undefined` proves nothing. */
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
 * What the greeting and the socket tell of a QEMU. The file counts only if it was the same before the connection and after the greeting, since QEMU
 * may be replaced in between.
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
 * `false` where the observations differ in what one process can't change, `true` where the same socket file still listens or one of the vCPU threads
 * is still there, else `unknown`. Hot-plug changes some threads, never all.
 */
export function compareIdentity(before: Identity | undefined, now: Identity): Same {
  if (!before) return 'unknown';
  if (before.version !== now.version || before.address !== now.address) return false;
  const sockets = before.socket && now.socket ? before.socket === now.socket : 'unknown';
  const threads =
    before.threads?.length && now.threads?.length ? before.threads.some((id) => now.threads?.includes(id)) : 'unknown';
  if (sockets === false || threads === false) return false;
  return sockets === true || threads === true ? true : 'unknown';
}

/**
 * The identity of before the gateway's restart, from its log. Thread ids count only while the gateway runs: over a longer time, or in a container that
 * starts anew, another process gets the same ones.
 */
export function recallIdentity(recorded: unknown): Identity | undefined {
  if (typeof recorded !== 'object' || recorded === null) return undefined;
  const { version, address, socket } = recorded as Record<string, unknown>;
  if (typeof version !== 'string') return undefined;
  return {
    version,
    ...(typeof address === 'string' && { address }),
    ...(typeof socket === 'string' && { socket }),
  };
}
