// Life signs of all connections: a bookmark that tells the client the line lives, and a ping that finds dead peers, in one write. The
// connections are spread over the period, a share each second, so that ten thousand don't hold up the loop in one turn.
import type { Clock } from '../../clock.js';

export interface HeartbeatPeer {
  /** @param now milliseconds of {@link Clock.now}. */
  beat(now: number): void;
}

/** Milliseconds between two shares. */
const SHARE_MS = 1_000;

export class Heartbeat {
  readonly #shares: Set<HeartbeatPeer>[];
  readonly #clock: Clock;
  readonly #stop: () => void;
  #next = 0;
  #turn = 0;

  /** @param periodMs milliseconds between two heartbeats of one connection. */
  constructor(periodMs: number, clock: Clock) {
    this.#clock = clock;
    this.#shares = Array.from({ length: Math.max(1, Math.round(periodMs / SHARE_MS)) }, () => new Set());
    this.#stop = clock.every(periodMs / this.#shares.length, () => this.#beat());
  }

  add(beating: HeartbeatPeer): void {
    this.#shares[this.#next++ % this.#shares.length]?.add(beating);
  }

  remove(beating: HeartbeatPeer): void {
    for (const share of this.#shares) if (share.delete(beating)) return;
  }

  close(): void {
    this.#stop();
  }

  #beat(): void {
    const now = this.#clock.now();
    for (const each of this.#shares[this.#turn++ % this.#shares.length] ?? []) each.beat(now);
  }
}
