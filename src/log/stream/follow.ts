// Every message of the stream once and in order, from the live ones and, where some are missing, by reading them. The live path of NATS may lose
// messages and may fall silent without a sign, so the newest place of the stream is asked for all the time.
import type { Subscription } from 'rxjs';
import type { Clock } from '../../clock.js';
import { epochOfId } from './message.js';
import type { SharedStream, StreamMessage } from './port.js';

export interface FollowOptions {
  clock: Clock;
  /** Milliseconds between two questions for the stream's newest message. */
  silenceMs: number;
}

export interface FollowListener {
  message(message: StreamMessage): void;
  /** The stream was made anew, or has lost messages that were read of it: nothing that was read holds any more. */
  replaced(): void;
  /** The stream could not be read; it is tried again. `undefined`: it can be. */
  failing(error: unknown): void;
}

/** Messages that wait for one before them, at most; beyond it they are read again. */
const MAX_AHEAD = 4_096;

/** Messages that are read together. */
const BLOCK = 256;

/** Answers in a row after which messages are taken for lost. */
const LOST_AFTER = 5;

export class StreamFollower {
  readonly #stream: SharedStream;
  readonly #options: FollowOptions;
  readonly #listener: FollowListener;
  readonly #epoch: string;
  readonly #ahead = new Map<number, StreamMessage>();
  #next = Number.POSITIVE_INFINITY;
  #isFilling = false;
  /** Answers in a row by which the stream has fewer messages than were read. */
  #fewer = 0;
  #isEnded = false;
  /** When the stream was asked for its newest message and had none that is missing here. A message that comes may have been under way for long. */
  #completeAt: number;
  readonly #live: Subscription;
  readonly #stopAsking: () => void;
  /** Messages that did not come by the live path. */
  filled = 0;

  /** Hears from now on; passes messages on from {@link begin} on. */
  constructor(stream: SharedStream, epoch: string, options: FollowOptions, listener: FollowListener) {
    this.#stream = stream;
    this.#epoch = epoch;
    this.#options = options;
    this.#listener = listener;
    this.#completeAt = options.clock.now();
    this.#live = stream.live$.subscribe((message) => this.#hear(message));
    this.#stopAsking = options.clock.every(options.silenceMs, () => void this.#ask());
  }

  /** Milliseconds since the follower last knew that it has every message. */
  get lagMs(): number {
    return Math.max(0, this.#options.clock.now() - this.#completeAt);
  }

  /** @param last the newest message that is known. */
  begin(last: number): void {
    this.#next = last + 1;
    for (const seq of this.#ahead.keys()) if (seq <= last) this.#ahead.delete(seq);
    this.#pass();
    if (this.#ahead.size > 0) void this.#fill();
  }

  end(): void {
    this.#isEnded = true;
    this.#stopAsking();
    this.#live.unsubscribe();
    this.#ahead.clear();
  }

  #hear(message: StreamMessage): void {
    // Of a stream that was made anew, which the next answer says.
    if ((epochOfId(message.id) ?? this.#epoch) !== this.#epoch) return;
    if (message.seq < this.#next && this.#next !== Number.POSITIVE_INFINITY) return;
    if (this.#ahead.size < MAX_AHEAD || message.seq === this.#next) this.#ahead.set(message.seq, message);
    this.#pass();
    if (this.#ahead.size > 0) void this.#fill();
  }

  #pass(): void {
    for (;;) {
      const message = this.#ahead.get(this.#next);
      if (!message || this.#isEnded) return;
      this.#ahead.delete(this.#next);
      this.#next += 1;
      this.#listener.message(message);
    }
  }

  async #ask(): Promise<void> {
    if (this.#next === Number.POSITIVE_INFINITY || this.#isEnded) return;
    try {
      const asked = this.#options.clock.now();
      // Messages come on while the answer is under way.
      const known = this.#next - 1;
      const { epoch, lastSeq } = await this.#stream.state();
      if (this.#isEnded) return;
      this.#listener.failing(undefined);
      if (epoch !== this.#epoch || this.#hasLost(lastSeq, known)) return this.#listener.replaced();
      if (lastSeq >= this.#next) await this.#fill(lastSeq);
      if (lastSeq < this.#next) this.#completeAt = Math.max(this.#completeAt, asked);
    } catch (error) {
      if (!this.#isEnded) this.#listener.failing(error);
    }
  }

  /** A server that is no longer the stream's leader may know of fewer messages for a moment, so it must say so several times. */
  #hasLost(lastSeq: number, known: number): boolean {
    this.#fewer = lastSeq < known ? this.#fewer + 1 : 0;
    return this.#fewer >= LOST_AFTER;
  }

  /** Reads what is missing before the messages that came too early, or up to that place. */
  async #fill(upTo = 0): Promise<void> {
    if (this.#isFilling || this.#next === Number.POSITIVE_INFINITY) return;
    this.#isFilling = true;
    try {
      while (!this.#isEnded) {
        const to = Math.max(upTo, this.#ahead.size > 0 ? Math.min(...this.#ahead.keys()) - 1 : 0);
        if (to < this.#next) break;
        await this.#read(this.#next, to);
        this.#pass();
      }
    } catch (error) {
      if (!this.#isEnded) this.#listener.failing(error);
    } finally {
      this.#isFilling = false;
    }
  }

  /** In bulk: messages that are read one after the other may come more slowly than new ones, and the follower would stay behind for ever. */
  async #read(from: number, to: number): Promise<void> {
    for (let begin = from; begin <= to && !this.#isEnded; begin = this.#next) {
      const end = Math.min(to, begin + BLOCK - 1);
      const read = new Map<number, StreamMessage>();
      await this.#stream.replay(begin, end, (message) => read.set(message.seq, message));
      // Messages of a stream that was made anew meanwhile are not of this epoch.
      if ((await this.#stream.state()).epoch !== this.#epoch) throw new Error('the stream was made anew');
      // Some may have come meanwhile.
      while (this.#next <= end && !this.#isEnded) {
        const seq = this.#next;
        const message = read.get(seq) ?? this.#ahead.get(seq);
        this.#ahead.delete(seq);
        this.#next = seq + 1;
        if (!message) continue;
        this.filled += 1;
        this.#listener.message(message);
      }
    }
  }
}
