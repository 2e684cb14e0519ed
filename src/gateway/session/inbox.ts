// Messages of one client that are not executed yet. They are executed one after the other, while the client reads its answers and the event-loop turn
// has time. Pausing a socket does not stop the frames of the current read, so they wait here.

import type { Clock } from '../../clock.js';
import type { WorkQueue } from '../scheduler.js';
import type { Unfinished } from './dispatch.js';

/** Whose messages they are. */
export interface InboxOwner {
  execute(text: string, receivedAt: number): Unfinished;
  /** Whether nothing is executed now: too many bytes of answers are unsent, or it is not known yet who asks. */
  readonly isBlocked: boolean;
  /** More messages wait than are kept. */
  overfull(): void;
  /** An exception of the gateway's own. */
  failed(error: unknown): void;
  /** Pauses or resumes reading from the socket. */
  pause(paused: boolean): void;
}

/** A message, or the deferred part of one. */
type Item = { text: string; receivedAt: number } | { work: () => void };

export class Inbox {
  readonly #turns: WorkQueue;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #owner: InboxOwner;
  #waiting: Item[] = [];
  #bytes = 0;
  #unfinished: Unfinished;
  #paused = false;
  #closed = false;

  /**
   * @param turns queue of the requests of all connections.
   * @param maxBytes of messages that may wait.
   */
  constructor(turns: WorkQueue, clock: Clock, maxBytes: number, owner: InboxOwner) {
    this.#turns = turns;
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#owner = owner;
  }

  take(text: string): void {
    if (this.#closed) return;
    this.#waiting.push({ text, receivedAt: this.#clock.now() });
    this.#bytes += text.length;
    if (this.#bytes > this.#maxBytes) return this.#owner.overfull();
    if (!this.#owner.isBlocked) this.#turns.now(this, () => this.#step());
    if (this.#waiting.length === 0 || this.#paused || this.#closed) return;
    this.#paused = true;
    this.#owner.pause(true);
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
    if (this.#closed || this.#owner.isBlocked) return true;
    try {
      if (this.#unfinished) {
        if (this.#unfinished.again()) this.#unfinished = undefined;
      } else {
        const item = this.#waiting.shift();
        if (!item) return true;
        if ('work' in item) item.work();
        else {
          this.#bytes -= item.text.length;
          this.#unfinished = this.#owner.execute(item.text, item.receivedAt);
        }
      }
    } catch (error) {
      this.#owner.failed(error);
      return true;
    }
    if (this.#closed || this.#unfinished || this.#waiting.length > 0) return this.#closed;
    if (this.#paused) this.#owner.pause(false);
    this.#paused = false;
    return true;
  }
}
