// One entry in a segment file: a head of 28 bytes, then the entry as JSON. The head has a checksum of its own, so that a record that was cut off in
// mid-write is told from one whose bytes were changed: the head of the first is whole and its text too short, or the file ends within the head.
//
//   0  u32  bytes of the text; bit 31: the next record belongs to the same append; bit 30: the entry is for restarts alone
//   4  u32  CRC-32 of the text
//   8  u64  offset of the entry
//  16  u64  milliseconds since 1970 at which it was written, never less than in the record before
//  24  u32  CRC-32 of the 24 bytes before
import { crc32 } from 'node:zlib';

export const HEAD_BYTES = 28;
const CHECKED_BYTES = 24;
const MORE = 0x8000_0000;
const INTERNAL = 0x4000_0000;
const LENGTH = 0x3fff_ffff;
const HIGH = 0x1_0000_0000;

export interface RecordHead {
  offset: number;
  at: number;
  isInternal: boolean;
  /** The next record belongs to the same append. */
  hasMore: boolean;
}

/** Bytes that a text may take at most, with its head. */
export const recordBound = (text: string): number => HEAD_BYTES + 3 * text.length;

/** @param into has room for {@link recordBound}. @returns the position after the record. */
export function writeRecord(into: Buffer, at: number, head: RecordHead, text: string): number {
  const start = at + HEAD_BYTES;
  const length = into.write(text, start, 'utf8');
  const flags = (head.hasMore ? MORE : 0) + (head.isInternal ? INTERNAL : 0);
  written.writeUInt32LE(length + flags, 0);
  // Of the same bytes: a text that JSON.stringify made has no half of a surrogate pair.
  written.writeUInt32LE(crc32(text), 4);
  writeUInt53(written, head.offset, 8);
  writeUInt53(written, head.at, 16);
  written.writeUInt32LE(crc32(checked), CHECKED_BYTES);
  into.set(written, at);
  return start + length;
}

/** The head that is being written, and what its checksum is of: a view of a buffer for each record would take more memory than the record. */
const written = Buffer.alloc(HEAD_BYTES);
const checked = written.subarray(0, CHECKED_BYTES);

/** `cut`: the bytes end within the record. `damaged`: bytes of it were changed. */
export type ReadRecord =
  | { kind: 'record'; head: RecordHead; text: Buffer; next: number }
  | { kind: 'cut'; needs: number }
  | { kind: 'damaged' };

export function readRecord(bytes: Buffer, at: number): ReadRecord {
  if (at + HEAD_BYTES > bytes.length) return { kind: 'cut', needs: HEAD_BYTES };
  if (bytes.readUInt32LE(at + CHECKED_BYTES) !== crc32(bytes.subarray(at, at + CHECKED_BYTES)))
    return { kind: 'damaged' };
  const sizeAndFlags = bytes.readUInt32LE(at);
  const length = sizeAndFlags & LENGTH;
  const start = at + HEAD_BYTES;
  const next = start + length;
  if (next > bytes.length) return { kind: 'cut', needs: HEAD_BYTES + length };
  const text = bytes.subarray(start, next);
  if (bytes.readUInt32LE(at + 4) !== crc32(text)) return { kind: 'damaged' };
  const head = {
    offset: readUInt53(bytes, at + 8),
    at: readUInt53(bytes, at + 16),
    isInternal: (sizeAndFlags & INTERNAL) !== 0,
    hasMore: (sizeAndFlags & MORE) !== 0,
  };
  return { kind: 'record', head, text, next };
}

function writeUInt53(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % HIGH, at);
  into.writeUInt32LE(Math.floor(value / HIGH), at + 4);
}

const readUInt53 = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * HIGH;

// The beginning of each file.
//
//   0  "QMPGWLOG"
//   8  u32  version of the format
//  12  8 bytes that name the folder, so that a file of another folder is recognised
//  20  u64  offset of the first entry
//  28  u32  CRC-32 of the 28 bytes before
export const SEGMENT_HEAD_BYTES = 32;
const MAGIC = Buffer.from('QMPGWLOG', 'latin1');
const VERSION = 1;

/** @param folder 16 hex digits. */
export function segmentHead(folder: string, first: number): Buffer {
  const head = Buffer.alloc(SEGMENT_HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32LE(VERSION, 8);
  head.write(folder, 12, 8, 'hex');
  writeUInt53(head, first, 20);
  head.writeUInt32LE(crc32(head.subarray(0, 28)), 28);
  return head;
}

/** @returns what is wrong with the head of a file that should begin with `first`; `undefined`: nothing. */
export function headProblem(bytes: Buffer, folder: string, first: number): 'empty' | 'damaged' | 'foreign' | undefined {
  if (bytes.length < SEGMENT_HEAD_BYTES) return 'empty';
  if (!bytes.subarray(0, 8).equals(MAGIC) || bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) return 'damaged';
  if (bytes.readUInt32LE(8) !== VERSION || bytes.toString('hex', 12, 20) !== folder) return 'foreign';
  return readUInt53(bytes, 20) === first ? undefined : 'foreign';
}
