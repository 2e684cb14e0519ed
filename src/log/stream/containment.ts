// An owner that was taken may write what it likes of its sources: it must not end the process that reads it, nor touch other sources.

export class Containment {
  readonly #failed: (source: string, error: unknown) => void;
  /** Sources whose failure was reported. */
  readonly #reported = new Set<string>();

  /** @param failed called once for each source. */
  constructor(failed: (source: string, error: unknown) => void) {
    this.#failed = failed;
  }

  /** Carries out the action; what it throws is reported for the source. */
  take(source: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (this.#reported.has(source)) return;
      this.#reported.add(source);
      this.#failed(source, error);
    }
  }
}
