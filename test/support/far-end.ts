// The far end of a gateway's socket: it takes the frames of an outbox when the test says so, and reads their messages.
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { inflateRawSync } from 'node:zlib';
import { Outbox, type OutboxOptions } from '../../src/gateway/wire/outbox.js';
import { FakeClock } from './fake-clock.js';

// biome-ignore lint/suspicious/noExplicitAny: tests read members of messages of every kind.
export type Message = any;

const TRAILER = Buffer.from([0, 0, 0xff, 0xff]);

export class FarEnd {
  readonly socket: Socket;
  readonly outbox: Outbox;
  /** Of text frames, in order, as far as they were taken. */
  readonly messages: Message[] = [];
  /** First bytes of the frames taken: what kind each is. */
  readonly kinds: number[] = [];
  /** Takes each write as it comes. */
  reads = true;
  readonly #waiting: (() => void)[] = [];

  constructor(options: Partial<OutboxOptions> = {}) {
    this.socket = new Writable({
      // As of a real socket, below every limit of the outbox: else it would not say that it has drained.
      highWaterMark: 256,
      write: (chunk: Buffer, _encoding, done) => {
        const take = (): void => {
          this.#read(chunk);
          done();
        };
        if (this.reads) take();
        else this.#waiting.push(take);
      },
    }) as unknown as Socket;
    const ignore = (): void => undefined;
    const defaults = {
      highWaterBytes: 128 * 1024,
      stuckMs: 60_000,
      traffic: { sentBytes: 0 },
      clock: new FakeClock(),
      owner: { drained: ignore, stuck: ignore },
    };
    this.outbox = new Outbox(this.socket, { ...defaults, ...options });
  }

  /** Takes no more until {@link take}. */
  stop(): void {
    this.reads = false;
  }

  /** All that waits, and what follows. */
  take(): void {
    this.reads = true;
    for (let take = this.#waiting.shift(); take; take = this.#waiting.shift()) take();
  }

  of(method: string): Message[] {
    return this.messages.filter((message) => message.method === method).map(({ params }) => params);
  }

  answer(id: string | number): Message {
    return this.messages.find((message) => message.id === id);
  }

  #read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      const short = bytes.readUInt8(at + 1);
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      const length =
        short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      const kind = bytes.readUInt8(at);
      const payload = bytes.subarray(at + header, at + header + length);
      this.kinds.push(kind);
      if (kind === 0x81) this.messages.push(JSON.parse(payload.toString()));
      if (kind === 0xc1)
        this.messages.push(
          JSON.parse(inflateRawSync(Buffer.concat([payload, TRAILER]), { finishFlush: 2 }).toString()),
        );
      at += header + length;
    }
  }
}
