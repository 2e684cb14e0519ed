// Text to a QEMU over TLS that reads one byte of each record.
import { expect, it } from 'vitest';
import { ByteRecords, needsByteRecords } from '../../src/qmp/byte-records.js';

it('is one byte a record, each when the one before it is on its way, in the order of the texts', () => {
  const written: number[] = [];
  let done: (() => void) | undefined;
  const records = new ByteRecords({
    write: (bytes, next) => {
      written.push(...bytes);
      expect(bytes).toHaveLength(1);
      expect(done).toBeUndefined();
      done = next;
    },
  });
  records.write('aé');
  records.write('');
  records.write('b');
  for (let n = 0; n < 4; n += 1) {
    expect(written).toHaveLength(n + 1);
    const next = done;
    done = undefined;
    next?.();
  }
  expect(Buffer.from(written).toString()).toBe('aéb');
  expect(done).toBeUndefined();
  records.write('c');
  expect(written.at(-1)).toBe(0x63);
});

it.each([
  [7, true],
  [8, false],
])('QEMU %i needs it: %s', (major, needs) => {
  const version = { qemu: { major, minor: 2, micro: 0 }, package: '' };
  expect(needsByteRecords({ version, capabilities: [] })).toBe(needs);
});
