// One query at a time: who asks while one is under way shares it, or waits for the next, which begins after the call.

export class Turns {
  readonly #ask: () => Promise<boolean>;
  #running: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;

  /** @param ask queries; resolves with whether there was a reply. */
  constructor(ask: () => Promise<boolean>) {
    this.#ask = ask;
  }

  /** Queries after this call, even where a query is under way: its reply may be older than what the caller knows. */
  fresh(): Promise<boolean> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  /** The query that is under way, or a new one. */
  current(): Promise<boolean> {
    return this.#running ?? this.#start();
  }

  #start(): Promise<boolean> {
    this.#running = this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
