// A hand-made WebSocket client that records the answer to its offer and which frames were compressed.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

export interface SeenFrame {
  compressed: boolean;
  opcode: number;
  /** As on the wire, header and all. */
  bytes: number;
  text: string;
}

export class DeflateSocket {
  /** Sec-WebSocket-Extensions of the answer. */
  readonly answer: string | undefined;
  readonly frames: SeenFrame[] = [];
  readonly #socket: Socket;
  #rest: Buffer;
  #wake: () => void = () => undefined;

  constructor(socket: Socket, answer: string | undefined, head: Buffer) {
    this.#socket = socket;
    this.answer = answer;
    this.#rest = head;
    socket.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      this.#read();
      this.#wake();
    });
    socket.on('error', () => undefined);
    this.#read();
  }

  /** `falsely`: said to be deflated, and is not. */
  send(text: string | Buffer, compressed: boolean | 'falsely' = false): void {
    const plain = Buffer.from(text);
    const body =
      compressed === true ? deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4) : plain;
    const header = Buffer.alloc(8);
    header[0] = compressed ? 0xc1 : 0x81;
    header[1] = 0x80 | 126;
    header.writeUInt16BE(body.length, 2);
    this.#socket.write(Buffer.concat([header, body])); // A mask of zeros.
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async frame(fits: (frame: SeenFrame) => boolean): Promise<SeenFrame> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  call(id: number, method: string, params: unknown, compressed = false): Promise<SeenFrame> {
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }), compressed);
    return this.frame(({ text }) => text.startsWith(`{"jsonrpc":"2.0","id":${id},`));
  }

  #read(): void {
    for (;;) {
      const [first = 0, short = 0] = this.#rest;
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#rest.length < header) return;
      const length =
        short < 126 ? short : short === 126 ? this.#rest.readUInt16BE(2) : Number(this.#rest.readBigUInt64BE(2));
      if (this.#rest.length < header + length) return;
      const payload = this.#rest.subarray(header, header + length);
      this.#rest = this.#rest.subarray(header + length);
      const compressed = (first & 0x40) !== 0;
      const whole = compressed ? inflate(payload) : payload;
      const opcode = first & 0x0f;
      const text = opcode === 8 ? String(whole.readUInt16BE(0)) : whole.toString();
      this.frames.push({ compressed, opcode, bytes: header + length, text });
    }
  }
}

/** Each message by itself: nothing that was said before is known. */
export function inflate(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

/** @param offer the header Sec-WebSocket-Extensions. @param to another address of the same gateway. */
export async function deflateSocket(url: string, offer: string, to?: string): Promise<DeflateSocket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: to ?? hostname, port: Number(port) });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(
    `GET /v1 HTTP/1.1\r\nHost: localhost:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: ${offer}\r\n\r\n`,
  );
  const [reply] = (await once(socket, 'data')) as [Buffer];
  const end = reply.indexOf('\r\n\r\n') + 4;
  const head = reply.subarray(0, end).toString();
  if (!head.startsWith('HTTP/1.1 101')) throw new Error(head);
  const answer = /^Sec-WebSocket-Extensions: (.*)$/im.exec(head)?.[1]?.trim();
  return new DeflateSocket(socket, answer, reply.subarray(end));
}
