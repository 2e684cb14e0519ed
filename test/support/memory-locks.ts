// Locks in memory, as those of NATS behave.
import type { Locks } from '../../src/nats/index.js';

export class MemoryLocks implements Locks {
  readonly #held = new Map<string, number>();
  #revision = 0;

  async take(name: string): Promise<number | undefined> {
    return this.#held.has(name) ? undefined : this.#put(name);
  }

  async renew(name: string, _member: string, revision: number): Promise<number | undefined> {
    return this.#held.get(name) === revision ? this.#put(name) : undefined;
  }

  async release(name: string, revision: number): Promise<void> {
    if (this.#held.get(name) === revision) this.#held.delete(name);
  }

  /** It was not renewed in time. */
  expire(name: string): void {
    this.#held.delete(name);
  }

  #put(name: string): number {
    this.#revision += 1;
    this.#held.set(name, this.#revision);
    return this.#revision;
  }
}
