// Values in memory, as a bucket of NATS behaves.
import type { Values } from '../../src/nats/index.js';

export class MemoryValues implements Values {
  readonly texts = new Map<string, { text: string; revision: number }>();
  /** Calls are rejected. */
  isAway = false;
  /** The next answers to writes are lost, although the values are taken. */
  losesAnswers = 0;
  writes = 0;
  #revision = 0;

  async read(name: string): Promise<{ text: string; revision: number } | undefined> {
    this.#away();
    return this.texts.get(name);
  }

  async write(name: string, text: string, revision: number): Promise<number | undefined> {
    this.#away();
    this.writes += 1;
    if ((this.texts.get(name)?.revision ?? 0) !== revision) return undefined;
    this.#revision += 1;
    this.texts.set(name, { text, revision: this.#revision });
    if (this.losesAnswers > 0) {
      this.losesAnswers -= 1;
      throw new Error('timeout');
    }
    return this.#revision;
  }

  #away(): void {
    if (this.isAway) throw new Error('NATS can not be reached');
  }
}
