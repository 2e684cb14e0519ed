// Life signs of all connections, on one timer each: WebSocket pings that find dead peers, bookmarks that tell clients the line lives.
export interface Beating {
  /** A pong, or any frame, has come since the last ping. */
  alive: boolean;
  ping(): void;
  /** The peer is dead. */
  lost(): void;
  bookmark(): void;
}

export class Heartbeat {
  readonly #beating = new Set<Beating>();
  readonly #timers: NodeJS.Timeout[];

  constructor(pingMs: number, bookmarkMs: number) {
    this.#timers = [setInterval(() => this.#ping(), pingMs), setInterval(() => this.#bookmark(), bookmarkMs)];
    for (const timer of this.#timers) timer.unref();
  }

  add(beating: Beating): void {
    this.#beating.add(beating);
  }

  remove(beating: Beating): void {
    this.#beating.delete(beating);
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #ping(): void {
    for (const each of this.#beating) {
      if (!each.alive) each.lost();
      else {
        each.alive = false;
        each.ping();
      }
    }
  }

  #bookmark(): void {
    for (const each of this.#beating) each.bookmark();
  }
}
