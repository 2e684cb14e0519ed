// One gateway at a time has the folder: it listens at a socket in it. Node has no flock; and a file with a process id says nothing where two
// containers share the folder, which number their processes alike. The kernel closes the socket with the process, whatever ended that.
import { promises as fs } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../clock.js';
import { codeOf } from './disk.js';

const NAME = 'owner.sock';
/** sun_path has 108 bytes, and Node cuts a longer path silently; the temporary name is the longest. */
const PATH_BYTES = 107;
const TOKEN_BYTES = 4;

export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
  constructor(folder: string) {
    super(`the folder ${folder} is in use by another gateway`);
  }
}

/** @throws where the path leaves no room for the socket. */
export function checkLength(folder: string): void {
  const room = PATH_BYTES - `/${NAME}.`.length - 2 * TOKEN_BYTES;
  if (Buffer.byteLength(folder) > room)
    throw new Error(`the path of the folder is too long, since a socket is in it: at most ${room} bytes: ${folder}`);
}

/** Whether something listens at the socket. */
function listens(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      if (['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '')) resolve(false);
      else reject(error);
    });
  });
}

/** Whether a gateway has the folder now. */
export const isOwned = (folder: string): Promise<boolean> => listens(join(folder, NAME));

export interface Ownership {
  /** Whether the folder is still there and has this gateway's name. */
  isOwn(): Promise<boolean>;
  /** Takes it again, where it was made anew or put back without the name. @returns whether it did; not where another gateway has it. */
  retake(): Promise<boolean>;
  /** Gives the folder back. */
  release(): Promise<void>;
}

/** Milliseconds after which who has taken a stale name looks whether it has it still: somebody may have moved it away just then. */
const LOOK_AGAIN_MS = 100;

/** The name of a listening socket, and which file it is. */
interface Held {
  server: Server;
  inode: string | undefined;
}

/** @throws {@link FolderInUse}, or the error of the file system. */
export async function ownFolder(folder: string, clock: Clock): Promise<Ownership> {
  let held = await hold(folder, clock);
  const isOwn = async (): Promise<boolean> =>
    held.inode !== undefined && (await inodeOf(join(folder, NAME))) === held.inode;
  return {
    isOwn,
    retake: async () => {
      const { server } = held;
      try {
        held = await hold(folder, clock);
      } catch {
        return false;
      }
      await close(server);
      return true;
    },
    release: async () => {
      const { server } = held;
      try {
        // One that can't be removed, of a disk that became read-only, is stale as that of a killed gateway.
        if (await isOwn()) await fs.rm(join(folder, NAME), { force: true }).catch(() => undefined);
      } finally {
        await close(server);
      }
    },
  };
}

/** `undefined`: there is none. @throws where the disk does not say. */
const inodeOf = (path: string): Promise<string | undefined> =>
  fs.stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    (error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined;
      throw error;
    },
  );

async function hold(folder: string, clock: Clock): Promise<Held> {
  const path = join(folder, NAME);
  const token = clock.token(TOKEN_BYTES);
  const own = `${path}.${token}`;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(own, resolve);
  });
  server.unref();
  try {
    const wasStale = await take(folder, path, own, token);
    const inode = await inodeOf(path);
    if (wasStale) {
      await new Promise<void>((resolve) => clock.after(LOOK_AGAIN_MS, resolve));
      if (inode === undefined || (await inodeOf(path)) !== inode) throw new FolderInUse(folder);
    }
    return { server, inode };
  } catch (error) {
    await close(server);
    throw error;
  } finally {
    await fs.rm(own, { force: true });
  }
}

/** Gives the listening socket `own` its name, unless one that has it listens. @returns whether it took the name of one that has ended. */
async function take(folder: string, path: string, own: string, token: string): Promise<boolean> {
  for (let wasStale = false; ; wasStale = true) {
    try {
      await fs.link(own, path);
      return wasStale;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    if (await listens(path)) throw new FolderInUse(folder);
    // What is moved away may be the name of a gateway that has come in between.
    const aside = join(folder, `owner.${token}.old`);
    await fs.rename(path, aside).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    const isLive = await listens(aside);
    if (isLive) await fs.link(aside, path).catch(() => undefined);
    await fs.rm(aside, { force: true });
    if (isLive) throw new FolderInUse(folder);
  }
}

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
