// What one client has sent and is not executed yet. In: text messages. Out: one after the other, while the client reads the answers and
// the turn of the loop has time for it. Pausing a socket does not stop the frames of a read that is under way, so they wait here.

import type { Clock } from '../../clock.js';
import type { WorkQueue } from '../scheduler.js';
import type { Unfinished } from './dispatch.js';

export interface InboxOptions {
  /** Bytes of messages that may wait. */
  maxBytes: number;
  execute: (text: string, receivedAt: number) => Unfinished;
  /** Whether too many answers are unsent. */
  isBlocked: () => boolean;
  onFull: () => void;
  /** An exception of ours. */
  onError: (error: unknown) => void;
  /** Whether the socket is to be read. */
  pause: (paused: boolean) => void;
}

/** A message, or the rest of one that had to wait for something. */
type Item = { text: string; receivedAt: number } | { work: () => void };

export class Inbox {
  readonly #turns: WorkQueue;
  readonly #clock: Clock;
  readonly #options: InboxOptions;
  #waiting: Item[] = [];
  #bytes = 0;
  #unfinished: Unfinished;
  #paused = false;
  #closed = false;

  /** @param turns of the requests of all connections. */
  constructor(turns: WorkQueue, clock: Clock, options: InboxOptions) {
    this.#turns = turns;
    this.#clock = clock;
    this.#options = options;
  }

  take(text: string): void {
    if (this.#closed) return;
    this.#waiting.push({ text, receivedAt: this.#clock.now() });
    this.#bytes += text.length;
    if (this.#bytes > this.#options.maxBytes) return this.#options.onFull();
    if (!this.#options.isBlocked()) this.#turns.now(this, () => this.#step());
    if (this.#waiting.length === 0 || this.#paused || this.#closed) return;
    this.#paused = true;
    this.#options.pause(true);
  }

  /** What an earlier message still has to do. */
  defer(work: () => void): void {
    if (this.#closed) return;
    this.#waiting.push({ work });
    this.resume();
  }

  /** The client has read. */
  resume(): void {
    if (!this.#closed && this.#waiting.length > 0) this.#turns.now(this, () => this.#step());
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#unfinished = undefined;
    this.#turns.drop(this);
  }

  /** One message, or a part of it. `true`: there is nothing more to do until a message or {@link resume} comes. */
  #step(): boolean {
    if (this.#closed || this.#options.isBlocked()) return true;
    try {
      if (this.#unfinished) {
        if (this.#unfinished.again()) this.#unfinished = undefined;
      } else {
        const item = this.#waiting.shift();
        if (!item) return true;
        if ('work' in item) item.work();
        else {
          this.#bytes -= item.text.length;
          this.#unfinished = this.#options.execute(item.text, item.receivedAt);
        }
      }
    } catch (error) {
      this.#options.onError(error);
      return true;
    }
    if (this.#closed || this.#unfinished || this.#waiting.length > 0) return this.#closed;
    if (this.#paused) this.#options.pause(false);
    this.#paused = false;
    return true;
  }
}
