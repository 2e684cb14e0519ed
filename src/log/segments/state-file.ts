// `state.json` of a folder, written by one writer after the other.
import { type FolderState, type Means, markAbandoned, writeState } from './folder.js';

export class StateFile {
  readonly #path: string;
  readonly #means: Means;
  #last: Promise<void> = Promise.resolve();
  present: FolderState;

  constructor(path: string, present: FolderState, means: Means) {
    this.#path = path;
    this.present = present;
    this.#means = means;
  }

  /** Resolves when the state is on the disk. */
  write(changes: Partial<FolderState>): Promise<void> {
    this.present = { ...this.present, ...changes };
    const state = this.present;
    return this.#after(() => writeState(this.#path, state, this.#means));
  }

  /** Entries are shown that are not in the folder. Where not even this is possible, the next start can't know. */
  abandon(): void {
    this.present = { ...this.present, isAbandoned: true };
    const state = this.present;
    void this.#after(() => markAbandoned(this.#path, state, this.#means)).catch(() => undefined);
  }

  /** Whether a file can be made, written and brought to the disk. */
  async probe(): Promise<boolean> {
    return this.write({}).then(
      () => true,
      () => false,
    );
  }

  #after(write: () => Promise<void>): Promise<void> {
    const written = this.#last.then(write);
    this.#last = written.catch(() => undefined);
    return written;
  }
}
