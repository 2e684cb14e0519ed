// Values that one member at a time replaces, in a bucket of NATS: who does not have the newest revision of a value is refused.
import type { KV } from '@nats-io/kv';
import { orRefused } from './locks.js';
import { encodeName } from './subjects.js';

/** Every call rejects if NATS can't be reached. */
export interface Values {
  /** @returns `undefined`: there is none. */
  read(name: string): Promise<{ text: string; revision: number } | undefined>;
  /** @param revision of the value that it replaces; 0: there is none. @returns its own revision; `undefined`: the value has another revision. */
  write(name: string, text: string, revision: number): Promise<number | undefined>;
}

export class KvValues implements Values {
  readonly #bucket: KV;

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  async read(name: string): Promise<{ text: string; revision: number } | undefined> {
    const entry = await this.#bucket.get(encodeName(name));
    return entry?.operation === 'PUT' ? { text: entry.string(), revision: entry.revision } : undefined;
  }

  write(name: string, text: string, revision: number): Promise<number | undefined> {
    const key = encodeName(name);
    return orRefused(revision === 0 ? this.#bucket.create(key, text) : this.#bucket.update(key, text, revision));
  }
}
