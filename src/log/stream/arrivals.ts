// Who waits for the log to reach an offset: answers of owners, and clients that come from a gateway that was further on.
import type { Clock } from '../../clock.js';

interface Awaiting {
  offset: number;
  reached: () => void;
}

export class Arrivals {
  readonly #clock: Clock;
  readonly #awaitMs: number;
  readonly #awaiting = new Set<Awaiting>();
  /** Offsets that clients have and the log has not, and since when they are awaited. */
  readonly #expected = new Map<number, number>();
  readonly #completeAt: () => number;

  /**
   * @param awaitMs milliseconds for which an offset of a client is awaited by a log that lacks nothing.
   * @param completeAt when the log lacked nothing of the stream, the last time that this was known.
   */
  constructor(clock: Clock, awaitMs: number, completeAt: () => number) {
    this.#clock = clock;
    this.#awaitMs = awaitMs;
    this.#completeAt = completeAt;
  }

  /** Resolves when the offset is reached. */
  reached(offset: number): Promise<void> {
    return new Promise((resolve) => this.#awaiting.add({ offset, reached: resolve }));
  }

  /** Resolves when the offset is reached, or is not awaited any more. */
  reachedOrLate(offset: number): Promise<void> {
    return new Promise((resolve) => {
      const each: Awaiting = {
        offset,
        reached: () => {
          stop();
          this.#awaiting.delete(each);
          resolve();
        },
      };
      const stop = this.#clock.after(this.#awaitMs, each.reached);
      this.#awaiting.add(each);
    });
  }

  /** Whether an offset of a client may still come: while the stream can't be read, it may. */
  isExpected(offset: number): boolean {
    const completeAt = this.#completeAt();
    for (const [each, since] of this.#expected) if (completeAt > since + 2 * this.#awaitMs) this.#expected.delete(each);
    const since = this.#expected.get(offset) ?? this.#clock.now();
    this.#expected.set(offset, since);
    return completeAt < since + this.#awaitMs;
  }

  /** The log shows everything up to `head`. */
  arrived(head: number): void {
    for (const each of this.#awaiting)
      if (each.offset <= head) {
        this.#awaiting.delete(each);
        each.reached();
      }
  }

  close(): void {
    for (const { reached } of this.#awaiting) reached();
    this.#awaiting.clear();
    this.#expected.clear();
  }
}
