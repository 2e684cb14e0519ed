// libvirt's own word on the end of a job, at its place: QEMU's last event of a job (status `null`) waits for it, and everything behind that event.
import type { Clock } from '../../clock.js';

export class LibvirtWords {
  readonly #clock: Clock;
  readonly #waitMs: number;
  #waiting: { target: string; stop: () => void } | undefined;
  #isClosed = false;
  /** What comes meanwhile, in order. */
  readonly #behind: (() => void)[] = [];

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** Runs it now, or behind what waits. */
  inOrder(action: () => void): void {
    if (this.#waiting) this.#behind.push(action);
    else action();
  }

  /** What is given to {@link inOrder} from now on waits until {@link said} for that target, and at most `waitMs`. */
  await(target: string): void {
    if (this.#isClosed) return;
    this.#waiting = { target, stop: this.#clock.after(this.#waitMs, () => this.#goOn()) };
  }

  /** libvirt has said it. @returns whether it was awaited. @param first runs before everything that waits. */
  said(target: string, first: () => void): boolean {
    if (this.#waiting?.target !== target) return false;
    first();
    this.#goOn();
    return true;
  }

  /** What waits is run now, and nothing waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#goOn();
  }

  #goOn(): void {
    this.#waiting?.stop();
    this.#waiting = undefined;
    while (!this.#waiting) {
      const next = this.#behind.shift();
      if (!next) return;
      next();
    }
  }
}
