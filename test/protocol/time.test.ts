// Moments on the wire: what `Date` says, with six digits after the point, in any order of moments.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatMicros } from '../../src/protocol/time.js';

it('formats every time to the microsecond', () => {
  const moment = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(fc.array(fc.oneof(moment, fc.integer({ min: 0, max: 3_000_000 }))), (moments) => {
      for (const each of moments) {
        const text = formatMicros(each);
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(Date.parse(text)).toBe(Math.floor(each / 1_000));
        expect(Number(text.slice(-4, -1))).toBe(each % 1_000);
      }
    }),
  );
  expect(formatMicros(1_795_392_000_000_007)).toBe('2026-11-23T00:00:00.000007Z');
});
