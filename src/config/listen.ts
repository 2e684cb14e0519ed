// Where the gateway listens, from text.
import { readFileSync } from 'node:fs';
import type { ListenAddress } from '../gateway/index.js';
import type { Environment } from './given.js';
import type { Given, Problems } from './problem.js';

export interface SocketFile {
  mode: number;
  /** Its number; `undefined`: the process's. */
  group: number | undefined;
}

/** `HOST:PORT`, `[::1]:PORT`, a port alone on 127.0.0.1, `unix:/path`, or `fd:N`. */
export function parseListen(
  given: Given<string>,
  file: SocketFile,
  env: Environment,
  problems: Problems,
): ListenAddress | undefined {
  const { value } = given;
  if (value.startsWith('unix:')) {
    const path = value.slice('unix:'.length);
    // sun_path holds 108 bytes; a longer path would fail with a puzzling EINVAL.
    if (path !== '' && Buffer.byteLength(path) <= 107) return { kind: 'unix', path, ...file };
    problems.of(given, 'the path of a socket has 1 to 107 bytes');
    return undefined;
  }
  if (value.startsWith('fd:')) return parseDescriptor(given, env, problems);
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) return { kind: 'tcp', host: match[1] ?? match[2] ?? '127.0.0.1', port };
  problems.of(given, 'expected HOST:PORT with a port of 0 to 65535, unix:/path or fd:N');
  return undefined;
}

/** Sockets that systemd has opened for this process: LISTEN_FDS of them, from 3 on (sd_listen_fds(3)). */
function parseDescriptor(given: Given<string>, env: Environment, problems: Problems): ListenAddress | undefined {
  const fd = Number(/^fd:(\d{1,4})$/.exec(given.value)?.[1]);
  const count = Number(env.LISTEN_FDS);
  if (Number.isNaN(fd)) problems.of(given, 'expected fd:N, with a number from 3 on');
  else if (env.LISTEN_PID !== String(process.pid))
    problems.of(given, 'no service manager has passed sockets to this process (LISTEN_PID)');
  else if (!(fd >= 3 && fd < 3 + count)) problems.of(given, `sockets were passed as 3 to ${2 + count} (LISTEN_FDS)`);
  else return { kind: 'fd', fd };
  return undefined;
}

export function readSocketFile(
  mode: Given<string> | undefined,
  group: Given<string> | undefined,
  problems: Problems,
): SocketFile {
  const file: SocketFile = { mode: 0o660, group: undefined };
  if (mode && /^(0o?)?[0-7]{3}$/.test(mode.value)) file.mode = Number.parseInt(mode.value.slice(-3), 8);
  else if (mode) problems.of(mode, 'expected three octal digits, as 0660');
  if (group) file.group = groupOf(group.value);
  if (group && file.group === undefined) problems.of(group, 'no such group');
  return file;
}

/** Node has no getgrnam(3): the local file is read, and groups of a directory are given by their number. */
function groupOf(group: string): number | undefined {
  if (/^\d{1,10}$/.test(group)) return Number(group);
  try {
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((each) => each.startsWith(`${group}:`));
    return line === undefined ? undefined : Number(line.split(':')[2]);
  } catch {
    return undefined;
  }
}
