// libvirt's own word on the end of a job, at its place: QEMU's last event of a job (status `null`) waits for it, and everything behind that event.
// Nothing else changes its place: what libvirtd sends is passed on in the order in which it came.
import type { Clock } from '../../clock.js';

interface Behind {
  pass: () => void;
  /** Of a word: the disk whose job has ended. */
  target?: string;
}

export class LibvirtWords {
  readonly #clock: Clock;
  readonly #waitMs: number;
  #waiting: { target: string; last: () => void; stop: () => void } | undefined;
  /** What came meanwhile is being passed on, so that what comes now has its place behind it. */
  #isGoingOn = false;
  #isClosed = false;
  /** What comes meanwhile, in order. */
  readonly #behind: Behind[] = [];

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** Passes it on now, or behind what waits. */
  inOrder(pass: () => void): void {
    this.#add({ pass });
  }

  /** To be called at the place of `last`, which waits until {@link said} for that target, at most `waitMs`, and with it all that comes behind it. */
  await(target: string, last: () => void): void {
    const said = this.#behind.findIndex((each) => each.target === target);
    // Two jobs may end at once: while the first one's end waited, the word on the second has come.
    if (said >= 0) for (const { pass } of this.#behind.splice(said, 1)) pass();
    if (said >= 0 || this.#isClosed) return last();
    this.#waiting = { target, last, stop: this.#clock.after(this.#waitMs, () => this.#goOn()) };
  }

  /** libvirt has said it. @param word is passed on before the last event that waits for it. */
  said(target: string, word: () => void): void {
    if (this.#waiting?.target !== target) return this.#add({ pass: word, target });
    word();
    this.#goOn();
  }

  /** What waits is passed on now, and nothing waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#goOn();
  }

  #add(next: Behind): void {
    if (this.#waiting || this.#isGoingOn) this.#behind.push(next);
    else next.pass();
  }

  #goOn(): void {
    const waited = this.#waiting;
    const was = this.#isGoingOn;
    waited?.stop();
    this.#waiting = undefined;
    this.#isGoingOn = true;
    try {
      waited?.last();
      while (!this.#waiting) {
        const next = this.#behind.shift();
        if (!next) return;
        next.pass();
      }
    } finally {
      this.#isGoingOn = was;
    }
  }
}
