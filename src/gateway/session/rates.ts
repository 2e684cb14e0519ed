// Rate limits: whether a request is within the rate, or how long it must wait.

/** Part of a token by which a sum of fractions may be too small: a request after the wait that `take` returned must not be refused for it. */
const ROUNDING = 1e-9;

/** A token bucket: so many a second on average, and so many at once. */
export class Rate {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#at = now;
  }

  /** Takes one token. Returns 0, or the milliseconds until there is one. Every `now` must be from the same clock. */
  take(now: number): number {
    this.#fill(now);
    if (this.#left < 1 - ROUNDING) return Math.ceil(((1 - this.#left) / this.#perSecond) * 1_000);
    this.#left -= 1;
    return 0;
  }

  /** Whether the bucket is full again, so that it need not be kept. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#left >= this.#burst;
  }

  #fill(now: number): void {
    this.#left = Math.min(this.#burst, this.#left + (Math.max(0, now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
  }
}

/** Number of addresses that are kept. Beyond it, quiet ones are removed, then the oldest. */
const MAX_ADDRESSES = 4_096;

/** A rate limit for each address. */
export class AddressRates {
  readonly #limits: () => { perSecond: number; burst: number };
  readonly #rates = new Map<string, Rate>();
  #perSecond = 0;
  #burst = 0;

  /** @param limits as they are now: when they change every address begins anew. */
  constructor(limits: () => { perSecond: number; burst: number }) {
    this.#limits = limits;
  }

  /** @param peer as {@link peerOf} names it. @returns 0, or the milliseconds to wait. */
  take(peer: string, now: number): number {
    const { perSecond, burst } = this.#limits();
    if (perSecond !== this.#perSecond || burst !== this.#burst) {
      [this.#perSecond, this.#burst] = [perSecond, burst];
      this.#rates.clear();
    }
    let rate = this.#rates.get(peer);
    if (!rate) {
      if (this.#rates.size >= MAX_ADDRESSES) this.#forget(now);
      rate = new Rate(perSecond, burst, now);
      this.#rates.set(peer, rate);
    }
    return rate.take(now);
  }

  get size(): number {
    return this.#rates.size;
  }

  #forget(now: number): void {
    for (const [peer, rate] of this.#rates) if (rate.isFull(now)) this.#rates.delete(peer);
    for (const peer of this.#rates.keys()) {
      if (this.#rates.size < MAX_ADDRESSES) return;
      this.#rates.delete(peer);
    }
  }
}
