// XDR (RFC 4506) as libvirt's RPC uses it: big-endian, each item padded to four bytes. A reader never reads beyond its bytes and throws XdrError on
// what does not fit; a message of libvirtd's is bounded before it comes here.

/** Bytes of a string: libvirt's REMOTE_STRING_MAX. */
export const STRING_MAX = 4 * 1024 * 1024;
/** Items of a list: libvirt's REMOTE_DOMAIN_LIST_MAX. */
export const LIST_MAX = 16_384;
const UUID_BYTES = 16;

export class XdrError extends Error {
  override readonly name = 'XdrError';
}

export class XdrWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value | 0);
    return this.#add(bytes);
  }

  hyper(value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt.asIntN(64, value));
    return this.#add(bytes);
  }

  string(text: string): this {
    const bytes = Buffer.from(text);
    if (bytes.length > STRING_MAX) throw new XdrError(`a string of ${bytes.length} bytes`);
    return this.int(bytes.length)
      .#add(bytes)
      .#add(Buffer.alloc(padding(bytes.length)));
  }

  /** Bytes of a fixed length, as a UUID. */
  opaque(bytes: Uint8Array): this {
    return this.#add(Buffer.from(bytes)).#add(Buffer.alloc(padding(bytes.length)));
  }

  optional<Value>(value: Value | undefined, write: (value: Value) => void): this {
    this.int(value === undefined ? 0 : 1);
    if (value !== undefined) write(value);
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #add(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }
}

export class XdrReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int(): number {
    return this.#take(4).readInt32BE();
  }

  unsigned(): number {
    return this.#take(4).readUInt32BE();
  }

  hyper(): bigint {
    return this.#take(8).readBigInt64BE();
  }

  string(): string {
    const length = this.unsigned();
    if (length > STRING_MAX) throw new XdrError(`a string of ${length} bytes`);
    const text = this.#take(length).toString('utf8');
    this.#take(padding(length));
    return text;
  }

  /** A UUID's sixteen bytes, as 32 hexadecimal digits. */
  uuid(): string {
    return this.#take(UUID_BYTES).toString('hex');
  }

  optional<Value>(read: () => Value): Value | undefined {
    const present = this.unsigned();
    if (present > 1) throw new XdrError('an optional item that is neither present nor absent');
    return present === 1 ? read() : undefined;
  }

  list<Value>(read: () => Value): Value[] {
    const length = this.unsigned();
    if (length > LIST_MAX) throw new XdrError(`a list of ${length} items`);
    return Array.from({ length }, read);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new XdrError('the message ends too early');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

const padding = (length: number): number => (4 - (length % 4)) % 4;
