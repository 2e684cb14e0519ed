// Outgoing bytes of one socket: whole frames, many of them shared. It has no queue of events: beyond the high-water mark nothing is written, and the
// subscriptions read on from the log when the socket has drained.
import type { Socket } from 'node:net';
import type { Clock } from '../../clock.js';
import { joinFrame, type SharedFrame } from './frame.js';

/** What was written to the sockets that share it. */
export interface Traffic {
  /** Bytes of frames. */
  sentBytes: number;
}

/** How messages are written to a socket, where not as plain frames. */
export interface WireForm {
  /** Of a shared frame. */
  formOf(frame: SharedFrame): Buffer;
  /** Of one message of two parts: the client's own text, and a shared frame. */
  join(head: string, tail: SharedFrame): Buffer;
  /** Of a frame for this client alone. Absent: as it is. */
  own?(frame: Buffer): Buffer;
}

export interface OutboxOptions {
  highWaterBytes: number;
  stuckMs: number;
  clock: Clock;
  /** Absent: plain frames. */
  form?: WireForm | undefined;
  traffic: Traffic;
  owner: OutboxOwner;
}

/** Of whom the socket is. */
export interface OutboxOwner {
  /** The kernel has taken what was pending. */
  drained(): void;
  /** It has taken nothing for `stuckMs`. */
  stuck(): void;
}

/**
 * `writableLength` counts a partly sent write as unsent until it is done; the handle's own count, which Node's idle timeout reads too, changes with
 * each byte. Without the handle, progress is seen one write at a time.
 */
interface WithHandle {
  _handle?: { writeQueueSize?: number } | null;
}

interface Mark {
  /** Bytes of finished writes. */
  done: number;
  /** Bytes left of the present write. */
  left: number;
}

/** A write of it is done when everything before it is. */
const NOTHING = Buffer.alloc(0);

export class Outbox {
  readonly #socket: Socket;
  readonly #owner: OutboxOwner;
  readonly #clock: Clock;
  readonly #highWaterBytes: number;
  readonly #stuckMs: number;
  readonly #form: WireForm | undefined;
  readonly #traffic: Traffic;
  /** Whether the socket's own mark (16 KiB, and 64 KiB since Node 22) is above ours. */
  readonly #isMarkLow: boolean;
  #unwatch: (() => void) | undefined;
  /** When it was last judged. */
  #last: Mark | undefined;
  #closed = false;
  #signs = 0;
  #awaited = false;

  constructor(socket: Socket, options: OutboxOptions) {
    this.#socket = socket;
    // Not the options as a whole: one object less for each of many connections.
    this.#owner = options.owner;
    this.#clock = options.clock;
    this.#highWaterBytes = options.highWaterBytes;
    this.#stuckMs = options.stuckMs;
    this.#form = options.form;
    this.#traffic = options.traffic;
    this.#isMarkLow = options.highWaterBytes < socket.writableHighWaterMark;
    socket.on('drain', () => this.#drained());
  }

  /** Bytes that the kernel has not taken. */
  get pending(): number {
    return this.#socket.writableLength;
  }

  get isBlocked(): boolean {
    return this.#closed || this.pending >= this.#highWaterBytes;
  }

  /** Bytes that the kernel took; a new maximum is progress. Pings and bookmarks don't count, since the kernel takes them for a dead peer too. */
  get taken(): number {
    const { done, left } = this.#mark();
    return done - left - this.#signs;
  }

  /** Writes a frame for this client alone. */
  write(frame: Buffer): void {
    this.#put(this.#form?.own === undefined ? frame : this.#form.own(frame));
  }

  /** Writes a sign of life as it is: a ping, a pong, a bookmark. */
  writeSign(bytes: Buffer): void {
    if (this.#closed) return;
    this.#signs += bytes.length;
    this.#put(bytes);
  }

  /** Writes a shared frame. */
  share(frame: SharedFrame): void {
    this.#put(this.#form === undefined ? frame.bytes : this.#form.formOf(frame));
  }

  /** Writes one message of two parts: this client's own, and a shared one. */
  shareAfter(head: string, tail: SharedFrame, written: () => void): void {
    this.#put(this.#form === undefined ? joinFrame(head, tail.bytes) : this.#form.join(head, tail), written);
  }

  /** Tells the owner once what is pending now has been taken, also where it is so little that the socket would not report it. */
  awaitDrain(): void {
    if (this.#closed || this.#awaited || this.#socket.writableNeedDrain) return;
    this.#awaited = true;
    this.#socket.write(NOTHING, () => {
      this.#awaited = false;
      this.#drained();
    });
  }

  close(): void {
    this.#closed = true;
    this.#unwatch?.();
  }

  /** @param written called when the kernel has taken all bytes; not called if the socket closes before. */
  #put(bytes: Buffer, written?: () => void): void {
    if (this.#closed) return;
    this.#traffic.sentBytes += bytes.length;
    const taken = written === undefined ? undefined : (error?: Error | null) => void (error ?? written());
    // `write` returns `false` from the socket's own mark on. Where that is below ours, the rest need not be checked while it returns `true`.
    const isBelow = this.#socket.write(bytes, taken);
    if ((!isBelow || this.#isMarkLow) && this.isBlocked) this.#park();
  }

  #park(): void {
    if (this.#unwatch) return;
    this.#last = this.#mark();
    this.#unwatch = this.#clock.after(this.#stuckMs, () => this.#judge());
    // Below its own mark the socket does not report that it has drained.
    if (this.#isMarkLow) this.awaitDrain();
  }

  /** Judged by progress, never by size: a client that is only slow is never closed. */
  #judge(): void {
    this.#unwatch = undefined;
    if (this.pending === 0 || this.#closed) return;
    const { done, left } = this.#mark();
    if (this.#last && done === this.#last.done && left >= this.#last.left) this.#owner.stuck();
    else this.#park();
  }

  #drained(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    if (!this.#closed) this.#owner.drained();
  }

  #mark(): Mark {
    const left = (this.#socket as Socket & WithHandle)._handle?.writeQueueSize ?? 0;
    return { done: this.#socket.bytesWritten - this.pending, left };
  }
}
