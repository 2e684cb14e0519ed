// `state.json` of a folder, written by one writer after the other.
import { type FolderState, type Means, markAbandoned, writeState } from './folder.js';

export class StateFile {
  readonly #path: string;
  readonly #means: Means;
  #last: Promise<void> = Promise.resolve();
  /** The file does not say yet that the log is abandoned. */
  #isUnmarked = false;
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

  /** Entries are shown that are not in the folder: every state that is written from now on says so, and {@link mark}. */
  abandon(): void {
    this.present = { ...this.present, isAbandoned: true };
    this.#isUnmarked = true;
  }

  /** Says so in the folder, unless that was done. Where not even this is possible, the next start can't know. */
  async mark(): Promise<void> {
    if (!this.#isUnmarked) return;
    const state = this.present;
    await this.#after(() => markAbandoned(this.#path, state, this.#means)).then(
      () => {
        this.#isUnmarked = false;
      },
      () => undefined,
    );
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
