// What a libvirtd must not do to the gateway: sizes are bounded before anything is read or kept.
import { describe, expect, it } from 'vitest';
import { PACKET_MAX, PacketSplitter } from '../../../src/sources/libvirt/packet.js';
import { LIST_MAX, STRING_MAX, XdrReader, XdrWriter } from '../../../src/sources/libvirt/xdr.js';

const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * at);
  return bytes;
};

describe('an item', () => {
  it.each([0, 1, 2, 3, 4, 5])('of %i bytes is padded to four', (length) => {
    const { bytes } = new XdrWriter().string('x'.repeat(length)).int(7);
    expect(bytes.length % 4).toBe(0);
    const reader = new XdrReader(bytes);
    expect([reader.string(), reader.int()]).toEqual(['x'.repeat(length), 7]);
  });

  it('of 64 bits is exact', () => {
    const { bytes } = new XdrWriter().hyper(-(2n ** 63n)).hyper(2n ** 63n - 1n);
    const reader = new XdrReader(bytes);
    expect([reader.hyper(), reader.hyper()]).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
  });

  it.each<[string, (reader: XdrReader) => unknown, Buffer]>([
    ['a string longer than its message', (reader) => reader.string(), words(9, 0)],
    ['a string longer than any', (reader) => reader.string(), words(STRING_MAX + 1)],
    ['a list longer than any', (reader) => reader.list(() => 0), words(LIST_MAX + 1)],
    ['a list longer than its message', (reader) => reader.list(() => reader.int()), words(3, 1, 2)],
    ['an optional item that is neither', (reader) => reader.optional(() => 0), words(2)],
    ['no bytes', (reader) => reader.int(), Buffer.alloc(3)],
    ['a cut UUID', (reader) => reader.uuid(), Buffer.alloc(15)],
  ])('is refused: %s', (_what, read, bytes) => {
    expect(() => read(new XdrReader(bytes))).toThrow(expect.objectContaining({ name: 'XdrError' }));
  });

  it('is not written where libvirt would not take it', () => {
    expect(() => new XdrWriter().string('x'.repeat(STRING_MAX + 1))).toThrow(/bytes/);
  });
});

describe('a packet', () => {
  it.each([0, 27, PACKET_MAX + 1, 0xffff_ffff])('of %i bytes is none', (length) => {
    expect(() => [...new PacketSplitter().push(words(length, 0))]).toThrow(/packet/);
  });

  it('of another version of the protocol is none', () => {
    expect(() => [...new PacketSplitter().push(words(28, 0x2000_8086, 2, 1, 1, 1, 0))]).toThrow(/version/);
  });
});
