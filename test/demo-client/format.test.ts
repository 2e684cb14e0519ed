import { describe, expect, it } from 'vitest';
import { amount, bytes, clock, duration, limit, percent, rate, share } from '../../demo-client/src/model/format.js';

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '0.98 KiB'],
    [1_048_576, '1.00 MiB'],
    [20 * 1_048_576, '20.0 MiB'],
    [999.7 * 1_048_576, '0.98 GiB'],
    [2 ** 63, '8.00 EiB'],
  ])('%d bytes are %s', (count, text) => expect(bytes(count)).toBe(text));

  it('count bytes for block jobs only', () => {
    expect(rate(1_048_576, 'mirror')).toBe('1.00 MiB/s');
    expect(rate(12, 'create')).toBe('12/s');
    expect(amount(324_256_454, null)).toBe('324M');
  });

  it('take decimal strings beyond 2^53', () => {
    expect(share('9223372036854775807', '4611686018427387904')).toBeCloseTo(0.5);
    expect(limit('9223372036854775807')).toBe('8.00 EiB/s');
    expect(limit(0)).toBe('unlimited');
  });

  it('call a full length whole only where nothing more is copied', () => {
    const whole = share(100, 100);
    for (const state of ['created', 'running', 'paused'] as const) expect(percent(whole, state)).toBe('99.9 %');
    for (const state of ['waiting', 'pending', 'concluded', 'cancelled'] as const)
      expect(percent(whole, state)).toBe('100 %');
    expect(percent(0.999_99, 'pending')).toBe('99.9 %');
    expect(percent(share(0, 0), 'running')).toBe('—');
    expect(percent(0.149_99, 'running')).toBe('14.9 %');
  });

  it.each([
    [0, '0 ms'],
    [4_200, '4.2 s'],
    [9_960, '10 s'],
    [59_700, '1 min 00 s'],
    [192_000, '3 min 12 s'],
    [7_500_000, '2 h 05 min'],
    [360_000_000, '4 d 4 h'],
  ])('%d ms last %s', (ms, text) => expect(duration(ms)).toBe(text));

  it('show no time that QEMU did not know', () => {
    expect(clock(null)).toBe('--:--:--.---');
    expect(clock('2026-11-22T22:56:14.609123Z')).toMatch(/:56:14\.609$/);
  });
});
