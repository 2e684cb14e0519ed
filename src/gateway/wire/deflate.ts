// Compression of outgoing messages (RFC 7692). No connection has a context of its own (`server_no_context_takeover`), so a frame is deflated once for
// all connections.
import { constants, deflateRawSync } from 'node:zlib';
import { DEFLATED, joinFrame, openFrame, payloadOf, type SharedFrame } from './frame.js';

export interface DeflateCounts {
  deflatedFrames: number;
  /** Bytes of compressed frames, before and after. */
  deflatedFrom: number;
  deflatedTo: number;
}

/** Bytes of a frame below which it is not compressed. */
const THRESHOLD = 512;
/** zlib's settings; docs/PERFORMANCE.md says how they were chosen. */
const OPTIONS = { level: 3, memLevel: 8, windowBits: 15, finishFlush: constants.Z_SYNC_FLUSH } as const;
/** The end that Z_SYNC_FLUSH writes and the wire omits (RFC 7692, 7.2.1): 00 00 FF FF. */
const TRAILER = 4;
/** Header of a stored block (RFC 1951, 3.2.4), and the bytes that fit into one. */
const STORED_HEADER = 5;
const STORED_MAX = 65_535;

export class Deflater {
  readonly counts: DeflateCounts = { deflatedFrames: 0, deflatedFrom: 0, deflatedTo: 0 };

  /** The bytes to write to a socket that takes compressed messages. */
  formOf(frame: SharedFrame): Buffer {
    frame.deflated ??= this.#deflate(frame.bytes);
    return frame.deflated;
  }

  /**
   * One message of two parts, as `joinFrame`: the client's own part as a stored block, then the shared part's deflated bytes. These refer to nothing
   * before them and begin at a byte boundary, so they may follow any block.
   */
  join(head: string, tail: SharedFrame): Buffer {
    const form = this.formOf(tail);
    const own = Buffer.from(head);
    if (form === tail.bytes || own.length > STORED_MAX) return joinFrame(head, tail.bytes);
    const rest = payloadOf(form);
    const frame = openFrame(DEFLATED, STORED_HEADER + own.length + rest.length);
    let at = frame.length - rest.length;
    rest.copy(frame, at);
    at -= own.length;
    own.copy(frame, at);
    frame.writeUInt16LE(own.length ^ 0xffff, at - 2);
    frame.writeUInt16LE(own.length, at - 4);
    frame[at - STORED_HEADER] = 0;
    return frame;
  }

  #deflate(bytes: Buffer): Buffer {
    if (bytes.length < THRESHOLD) return bytes;
    const deflated = deflateRawSync(payloadOf(bytes), OPTIONS);
    const length = deflated.length - TRAILER;
    const frame = openFrame(DEFLATED, length);
    deflated.copy(frame, frame.length - length, 0, length);
    if (frame.length >= bytes.length) return bytes;
    this.counts.deflatedFrames += 1;
    this.counts.deflatedFrom += bytes.length;
    this.counts.deflatedTo += frame.length;
    return frame;
  }
}
