// An owner that was taken may write what it likes of its sources: it must not end the process that reads it, nor touch other sources.

export class Containment {
  readonly #failed: (source: string, error: unknown) => void;
  /** Sources of which that was said. */
  readonly #told = new Set<string>();

  /** @param failed called once for each source. */
  constructor(failed: (source: string, error: unknown) => void) {
    this.#failed = failed;
  }

  /** Carries it out; what it throws is said of the source. */
  take(source: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (this.#told.has(source)) return;
      this.#told.add(source);
      this.#failed(source, error);
    }
  }
}
