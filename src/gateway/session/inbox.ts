// Messages of one client that are not executed yet. They are executed one after the other, while the client reads its answers and the event-loop turn
// has time. Pausing a socket does not stop the frames of the current read, so they wait here.

import type { Clock } from '../../clock.js';
import type { WorkQueue } from '../scheduler.js';
import type { Unfinished } from './dispatch.js';

export interface InboxOptions {
  /** Bytes of messages that may wait. */
  maxBytes: number;
  execute: (text: string, receivedAt: number) => Unfinished;
  /** Whether too many bytes of answers are unsent. */
  isBlocked: () => boolean;
  onFull: () => void;
  /** For the gateway's own exceptions. */
  onError: (error: unknown) => void;
  /** Pauses or resumes reading from the socket. */
  pause: (paused: boolean) => void;
}

/** A message, or the deferred part of one. */
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

  /** @param turns queue of the requests of all connections. */
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

  /** Queues the rest of an earlier message. */
  defer(work: () => void): void {
    if (this.#closed) return;
    this.#waiting.push({ work });
    this.resume();
  }

  /** The client has read: go on. */
  resume(): void {
    if (!this.#closed && this.#waiting.length > 0) this.#turns.now(this, () => this.#step());
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#unfinished = undefined;
    this.#turns.drop(this);
  }

  /** Executes one message or a part of one. `true`: there is nothing to do until a message or {@link resume} comes. */
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
