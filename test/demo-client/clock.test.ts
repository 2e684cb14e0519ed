// Moments as the page shows them, in a zone that is not UTC and has a summer time.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exactMoment, isoMoment, moment, parseTime, zoneName } from '../../demo-client/src/model/page/clock.js';

const before = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'Europe/Berlin';
});
afterAll(() => {
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

const now = Date.parse('2026-11-29T12:00:00Z');
const at = (time: string) => Date.parse(time);

describe('a moment', () => {
  it('of today is a time of day, in the zone that is asked for', () => {
    expect(moment(at('2026-11-29T09:05:07.123Z'), now, 'local')).toBe('10:05:07');
    expect(moment(at('2026-11-29T09:05:07.123Z'), now, 'UTC')).toBe('09:05:07');
    expect(exactMoment(at('2026-11-29T09:05:07.123Z'), now, 'UTC')).toBe('09:05:07.123');
  });

  it('of another day has its day, and of another year its year', () => {
    expect(moment(at('2026-11-02T09:05:07Z'), now, 'UTC')).toBe('2 Nov 09:05');
    expect(moment(at('2025-11-02T09:05:07Z'), now, 'UTC')).toBe('2 Nov 2025 09:05');
    expect(exactMoment(at('2026-11-02T09:05:07.100Z'), now, 'UTC')).toBe('2 Nov 09:05:07.100');
  });

  it('has the day of its zone, and the summer time of its day', () => {
    expect(moment(at('2026-11-28T23:30:00Z'), now, 'local')).toBe('00:30:00');
    expect(moment(at('2026-11-28T23:30:00Z'), now, 'UTC')).toBe('28 Nov 23:30');
    expect(moment(at('2026-07-01T10:00:00Z'), now, 'local')).toBe('1 Jul 12:00');
  });

  it('is whole in ISO 8601 with its zone', () => {
    expect(isoMoment(at('2026-11-29T09:05:07.123Z'), 'local')).toBe('2026-11-29T10:05:07.123+01:00');
    expect(isoMoment(at('2026-07-01T10:00:00Z'), 'local')).toBe('2026-07-01T12:00:00.000+02:00');
    expect(isoMoment(at('2026-11-29T09:05:07.123Z'), 'UTC')).toBe('2026-11-29T09:05:07.123Z');
  });

  it('has no time where QEMU knew none', () => {
    expect(parseTime(null)).toBeUndefined();
    expect(parseTime('2026-11-22T22:56:14.609123Z')).toBe(at('2026-11-22T22:56:14.609Z'));
  });

  it('names its zone', () => {
    expect(zoneName(now, 'UTC')).toBe('UTC');
    expect(zoneName(now, 'local')).toBe('CET');
  });
});
