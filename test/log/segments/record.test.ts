// The bytes of one entry in a file.
import { expect, it } from 'vitest';
import { readRecord, recordBound, writeRecord } from '../../../src/log/segments/record.js';

it.each([
  ['ASCII', JSON.stringify({ a: 1 })],
  ['letters of two, three and four bytes', JSON.stringify({ ü: '漢字 😀' })],
  ['half of a surrogate pair, which JSON escapes', JSON.stringify({ a: '\ud800' })],
  ['more than a kilobyte', JSON.stringify({ a: 'é'.repeat(5_000) })],
])('a text of %s is read as it was written, and one with a changed byte is not', (_what, text) => {
  const bytes = Buffer.alloc(7 + recordBound(text));
  const head = { offset: 2 ** 40 + 3, at: 1_800_000_000_123, isInternal: true, hasMore: false };
  const end = writeRecord(bytes, 7, head, text);
  const read = readRecord(bytes.subarray(0, end), 7);
  expect(read).toMatchObject({ kind: 'record', head, next: end });
  expect(read.kind === 'record' && read.text.toString()).toBe(text);
  bytes.writeUInt8(bytes.readUInt8(end - 2) ^ 1, end - 2);
  expect(readRecord(bytes, 7)).toEqual({ kind: 'damaged' });
});
