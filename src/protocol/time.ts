// Times as microseconds since 1970, which the program uses, and as ISO 8601 UTC for the wire.

/** Microseconds since 1970-01-01 UTC, by a wall clock: it can jump back. Exact until the year 2255. */
export type Micros = number;

let cachedSecond = Number.NaN;
let cachedText = '';

/** `2026-11-23T03:30:52.000123Z`; the part before the fraction is made once a second. */
export function formatMicros(moment: Micros): string {
  const second = Math.floor(moment / 1e6);
  if (second !== cachedSecond) {
    cachedText = new Date(second * 1_000).toISOString().slice(0, 20);
    cachedSecond = second;
  }
  return `${cachedText}${String(moment - second * 1e6).padStart(6, '0')}Z`;
}

/** The reverse of {@link formatMicros}. @returns `null` for `null`, and for a text that is no such time. */
export function parseMicros(text: string | null): Micros | null {
  if (text === null) return null;
  // Date.parse reads three digits of a fraction.
  const moment = Date.parse(`${text.slice(0, 19)}Z`) * 1_000 + Number(text.slice(20, -1));
  return Number.isNaN(moment) ? null : moment;
}

/** Whether the day that an ISO 8601 text begins with is in the calendar: `Date.parse` takes February 30 for March 2. */
export function isDay(text: string): boolean {
  const day = text.slice(0, 10);
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === day;
}
