// A unix socket that listens at a file: its mode and group decide who can connect.
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';

export interface SocketFile {
  path: string;
  mode: number;
  /** Its number; `undefined`: the process's. */
  group?: number | undefined;
}

/** The file goes when the server closes. Rejects with the error of `listen` (EADDRINUSE, EACCES, …). */
export async function listenOnFile(server: Server, { path, mode, group }: SocketFile, backlog: number): Promise<void> {
  await removeStale(path);
  // Between `bind` and `chmod` nobody else may connect.
  const umask = process.umask(0o177);
  const done = bind(server, { path }, backlog);
  process.umask(umask);
  await done;
  if (group !== undefined) chownSync(path, -1, group);
  chmodSync(path, mode);
}

/** Rejects with the error of `listen`. */
export function bind(
  server: Server,
  where: { fd: number } | { path: string } | { host: string; port: number },
  backlog: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/** A process that was killed leaves its socket file, on which nobody listens. Any other file stays. */
async function removeStale(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const refused = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(false));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
    socket.once('connect', () => socket.destroy());
  });
  if (refused) unlinkSync(path);
}
