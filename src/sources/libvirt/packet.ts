// The packets of libvirt's RPC: a length, a header, a payload. Bytes of the stream to packets, and packets to bytes.
import { XdrReader, XdrWriter } from './xdr.js';

/** Bytes of a packet's length word and header: length, program, version, procedure, type, serial, status. */
const HEADER_BYTES = 28;
/** The longest string of libvirt's is 4 MiB, and no message that is used here has two. */
export const PACKET_MAX = 8 * 1024 * 1024;
const VERSION = 1;

export const TYPE = { call: 0, reply: 1, message: 2 } as const;
const STATUS_ERROR = 1;

export interface Packet {
  program: number;
  procedure: number;
  type: number;
  serial: number;
  isError: boolean;
  payload: Buffer;
}

export function encodePacket(
  { program, procedure, type, serial }: Omit<Packet, 'isError' | 'payload'>,
  payload: Buffer,
): Buffer {
  const header = new XdrWriter().int(HEADER_BYTES + payload.length);
  for (const word of [program, VERSION, procedure, type, serial, 0]) header.int(word);
  return Buffer.concat([header.bytes, payload]);
}

export class PacketError extends Error {
  override readonly name = 'PacketError';
}

/** Splits the stream. `push` throws a PacketError for what is no packet; the connection can't go on then. */
export class PacketSplitter {
  #chunks: Buffer[] = [];
  #bytes = 0;

  *push(chunk: Buffer): Generator<Packet> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#bytes < 4) return;
      const length = this.#peek();
      if (length < HEADER_BYTES || length > PACKET_MAX) throw new PacketError(`a packet of ${length} bytes`);
      if (this.#bytes < length) return;
      yield decode(this.#take(length));
    }
  }

  #peek(): number {
    if ((this.#chunks[0]?.length ?? 0) < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    return (this.#chunks[0] as Buffer).readUInt32BE();
  }

  #take(length: number): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    const rest = all.subarray(length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
    return all.subarray(0, length);
  }
}

function decode(bytes: Buffer): Packet {
  const reader = new XdrReader(bytes.subarray(4, HEADER_BYTES));
  const program = reader.unsigned();
  if (reader.unsigned() !== VERSION) throw new PacketError('a packet of an unknown version');
  const procedure = reader.int();
  const type = reader.unsigned();
  const serial = reader.unsigned();
  const isError = reader.unsigned() === STATUS_ERROR;
  return { program, procedure, type, serial, isError, payload: bytes.subarray(HEADER_BYTES) };
}
