// Which member has a source, or posts a webhook, in a bucket of NATS whose keys end by themselves: who does not renew a lock for that long has lost it.
import type { KV } from '@nats-io/kv';
import { codeOf, WRONG_LAST_SEQUENCE } from './jetstream-errors.js';
import { encodeName } from './subjects.js';

/** Every call rejects if NATS can't be reached. */
export interface Locks {
  /** @returns what renews the lock; `undefined`: another member has it. */
  take(name: string, member: string): Promise<number | undefined>;
  /** @returns what renews it next; `undefined`: it is lost. */
  renew(name: string, member: string, revision: number): Promise<number | undefined>;
  release(name: string, revision: number): Promise<void>;
}

export class KvLocks implements Locks {
  readonly #bucket: KV;

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  take(name: string, member: string): Promise<number | undefined> {
    return orRefused(this.#bucket.create(encodeName(name), member));
  }

  renew(name: string, member: string, revision: number): Promise<number | undefined> {
    return orRefused(this.#bucket.update(encodeName(name), member, revision));
  }

  async release(name: string, revision: number): Promise<void> {
    await orRefused(this.#bucket.delete(encodeName(name), { previousSeq: revision }).then(() => 0));
  }
}

/** @returns `undefined`: the key has another revision. */
export async function orRefused(write: Promise<number>): Promise<number | undefined> {
  try {
    return await write;
  } catch (error) {
    if (codeOf(error) === WRONG_LAST_SEQUENCE) return undefined;
    throw error;
  }
}
