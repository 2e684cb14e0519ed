// Which member has which source, in a bucket of NATS whose keys end by themselves: who does not renew a lock for that long has lost it.
import type { KV } from '@nats-io/kv';
import { encodeSource } from './subjects.js';

/** Every call rejects if NATS can't be reached. */
export interface Locks {
  /** @returns what renews the lock; `undefined`: another member has it. */
  take(source: string, member: string): Promise<number | undefined>;
  /** @returns what renews it next; `undefined`: it is lost. */
  renew(source: string, member: string, revision: number): Promise<number | undefined>;
  release(source: string, revision: number): Promise<void>;
}

export class KvLocks implements Locks {
  readonly #bucket: KV;

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  take(source: string, member: string): Promise<number | undefined> {
    return orRefused(this.#bucket.create(encodeSource(source), member));
  }

  renew(source: string, member: string, revision: number): Promise<number | undefined> {
    return orRefused(this.#bucket.update(encodeSource(source), member, revision));
  }

  async release(source: string, revision: number): Promise<void> {
    await orRefused(this.#bucket.delete(encodeSource(source), { previousSeq: revision }).then(() => 0));
  }
}

/** Of JetStream: the key has another revision. */
const WRONG_LAST_SEQUENCE = 10_071;

async function orRefused(write: Promise<number>): Promise<number | undefined> {
  try {
    return await write;
  } catch (error) {
    if ((error as { code?: number }).code === WRONG_LAST_SEQUENCE) return undefined;
    throw error;
  }
}
