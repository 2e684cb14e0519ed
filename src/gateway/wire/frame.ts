// Text messages as WebSocket frames (RFC 6455, 5.2: FIN, text, unmasked), made once and written to every socket that gets them.

/** A message for many sockets: as it is, and in the other forms from the first time that these are needed. All are freed with the object. */
export interface SharedFrame {
  readonly bytes: Buffer;
  /** The compressed frame; the same as `bytes` where compression saved nothing. */
  deflated: Buffer | undefined;
  /** Its message for event streams. */
  blocks: Buffer | undefined;
}

/** First byte of a frame: FIN and text; RSV1 says that the payload is deflated (RFC 7692, 6). */
export const TEXT = 0x81;
export const DEFLATED = 0xc1;
export const PONG = 0x8a;

export const shareFrame = (text: string): SharedFrame => ({
  bytes: encodeFrame(text),
  deflated: undefined,
  blocks: undefined,
});

export function encodeFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = openFrame(TEXT, length);
  frame.write(text, frame.length - length, 'utf8');
  return frame;
}

/** A frame whose payload, its last `length` bytes, is still to be written. */
export function openFrame(first: number, length: number): Buffer {
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = first;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  return frame;
}

/** The payload of a frame made here, not copied. */
export function payloadOf(frame: Buffer): Buffer {
  const length = frame[1] ?? 0;
  return frame.subarray(length < 126 ? 2 : length === 126 ? 4 : 10);
}

/** One message of two parts: the client's own, and a shared one. */
export function joinFrame(head: string, tail: Buffer): Buffer {
  const length = Buffer.byteLength(head);
  const rest = payloadOf(tail);
  const frame = openFrame(TEXT, length + rest.length);
  rest.copy(frame, frame.length - rest.length);
  frame.write(head, frame.length - rest.length - length, 'utf8');
  return frame;
}
