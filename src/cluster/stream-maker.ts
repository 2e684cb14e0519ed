// Makes the shared stream anew where somebody has deleted it.
import type { Clock } from '../clock.js';

export class StreamMaker {
  readonly #ensure: () => Promise<void>;
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #failed: (error: unknown) => void;
  #isAsking = false;
  #notBefore = 0;

  /**
   * @param ensure makes the stream where there is none.
   * @param pauseMs milliseconds between two calls of it, at least.
   */
  constructor(
    ensure: () => Promise<void>,
    { clock, pauseMs }: { clock: Clock; pauseMs: number },
    failed: (error: unknown) => void,
  ) {
    this.#ensure = ensure;
    this.#clock = clock;
    this.#pauseMs = pauseMs;
    this.#failed = failed;
  }

  /** The stream takes no entries. Said at each try, since servers may show a deleted stream for a while, and may not answer. */
  failing(): void {
    if (this.#isAsking || this.#clock.now() < this.#notBefore) return;
    this.#isAsking = true;
    void this.#make();
  }

  async #make(): Promise<void> {
    try {
      await this.#ensure();
    } catch (error) {
      this.#failed(error);
    }
    this.#isAsking = false;
    this.#notBefore = this.#clock.now() + this.#pauseMs;
  }
}
