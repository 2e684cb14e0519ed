// Times in which this process itself could receive nothing, since one event loop and one heap serve 200 subscribers and their records.

const TICK_MS = 10;
/** Milliseconds between two ticks that count as deaf. */
const DEAF_MS = 50;

export class Deafness {
  /** Milliseconds. */
  longest = 0;
  readonly #spans: { from: number; to: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** Moments of `performance.now()`. */
  within(from: number, to: number): number {
    const now = performance.now();
    const present = now - this.#last > DEAF_MS ? [{ from: this.#last, to: now }] : [];
    let deaf = 0;
    for (const span of [...this.#spans, ...present])
      deaf += Math.max(0, Math.min(span.to, to) - Math.max(span.from, from));
    return deaf;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    if (now - this.#last > DEAF_MS) {
      this.#spans.push({ from: this.#last, to: now });
      this.longest = Math.max(this.longest, now - this.#last);
    }
    this.#last = now;
    // No answer takes longer than a few seconds.
    while (this.#spans[0] && this.#spans[0].to < now - 60_000) this.#spans.shift();
  }
}
