// The log that the environment selects: `TEST_LOG=late`, every entry is shown 5 ms after it was appended; `TEST_LOG=flaky`, each batch fails twice
// before it is taken, the second time although it was. Else the one in memory.
import { CLOCK, type Clock } from '../../src/clock.js';
import {
  type Batch,
  type BatchStore,
  type EventLog,
  type LogLimits,
  MemoryLog,
  StoredLog,
} from '../../src/log/index.js';

export const LATE_MS = 5;

/** What a {@link TestStore} does; `dead` takes nothing. */
export type StoreKind = 'late' | 'flaky' | 'dead';

export class TestStore implements BatchStore {
  readonly taken: Batch[] = [];
  readonly written: number[] = [];
  readonly #clock: Clock;
  #kind: StoreKind;

  constructor(kind: StoreKind, clock = CLOCK) {
    this.#kind = kind;
    this.#clock = clock;
  }

  /** From now on it takes nothing. */
  die(): void {
    this.#kind = 'dead';
  }

  async write(batch: Batch): Promise<void> {
    this.written.push(batch.id);
    await new Promise<void>((resolve) => this.#clock.after(this.#kind === 'late' ? LATE_MS : 0, resolve));
    if (this.#kind === 'late') return void this.taken.push(batch);
    const tries = this.written.filter((id) => id === batch.id).length;
    if (tries === 1 || this.#kind === 'dead') throw new Error('no space left');
    if (this.taken.at(-1)?.id !== batch.id) this.taken.push(batch);
    if (tries === 2) throw new Error('no acknowledgement came');
  }
}

/** @param epoch by default random, as a gateway that starts has one. */
export function openTestLog(limits: Partial<LogLimits> = {}, epoch?: string): EventLog {
  const memory = new MemoryLog({ limits, ...(epoch !== undefined && { epoch }) });
  const kind = process.env.TEST_LOG;
  return kind === undefined ? memory : new StoredLog(memory, new TestStore(kind as StoreKind), { retryMs: 1 });
}

/** In a cluster a cursor past the end is awaited, offsets have holes, and a command's entry comes before the command. */
export const isCluster = process.env.TEST_LOG === 'cluster';
