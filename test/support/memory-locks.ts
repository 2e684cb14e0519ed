// Locks of sources in memory, as those of NATS behave.
import type { Locks } from '../../src/nats/index.js';

export class MemoryLocks implements Locks {
  readonly #held = new Map<string, number>();
  #revision = 0;

  async take(source: string): Promise<number | undefined> {
    return this.#held.has(source) ? undefined : this.#put(source);
  }

  async renew(source: string, _member: string, revision: number): Promise<number | undefined> {
    return this.#held.get(source) === revision ? this.#put(source) : undefined;
  }

  async release(source: string, revision: number): Promise<void> {
    if (this.#held.get(source) === revision) this.#held.delete(source);
  }

  /** It was not renewed in time. */
  expire(source: string): void {
    this.#held.delete(source);
  }

  #put(source: string): number {
    this.#revision += 1;
    this.#held.set(source, this.#revision);
    return this.#revision;
  }
}
