// `qmp-gateway/client/file-store`: a position in a file, for Node.
import { open, readFile, rename } from 'node:fs/promises';
import type { Cursor } from '../protocol/types.js';
import type { CursorStore } from './cursor-store.js';

/**
 * Keeps the cursor in `file`, which is replaced as a whole, so that a crash leaves the former cursor or the new one. Its folder must exist. It is
 * one stream's, of one process at a time: where two write it, a `save` rejects.
 *
 * ```ts
 * events(client, { types: ['GATEWAY_JOB_SETTLED'] }, { store: fileStore('/var/lib/reporter/cursor') }).subscribe(report);
 * ```
 */
export function fileStore(file: string): CursorStore {
  let newest: Cursor | undefined;
  let writing: Promise<void> | undefined;

  /** Cursors that are saved while one is written are written as one, the newest. */
  async function write(): Promise<void> {
    while (newest !== undefined) {
      const cursor = newest;
      newest = undefined;
      const handle = await open(`${file}.new`, 'w', 0o600);
      try {
        await handle.writeFile(`${cursor}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${file}.new`, file);
    }
  }

  return {
    async load() {
      try {
        const text = (await readFile(file, 'utf8')).trim();
        return text === '' ? undefined : text;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    save(cursor) {
      newest = cursor;
      writing ??= write().finally(() => {
        writing = undefined;
      });
      return writing;
    },
  };
}
