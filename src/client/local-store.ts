// `qmp-gateway/client/local-store`: a position in the browser's localStorage.
import type { CursorStore } from './cursor-store.js';

/** What it needs of the browser's Storage. */
export interface KeyValues {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/**
 * Keeps the cursor under `key`; each stream needs a key of its own.
 *
 * ```ts
 * events(client, { types: ['BLOCK_JOB_ERROR'] }, { store: localStore('errors') }).subscribe(show);
 * ```
 *
 * @param storage default: the page's localStorage
 */
export function localStore(key: string, storage?: KeyValues): CursorStore {
  const values = (): KeyValues => storage ?? (globalThis as unknown as { localStorage: KeyValues }).localStorage;
  return {
    load: () => values().getItem(key) ?? undefined,
    save: (cursor) => values().setItem(key, cursor),
  };
}
