// Moments as texts, in the reader's time zone or in UTC. Pure.

/** `local`: the time zone of the browser. */
export type Zone = 'local' | 'UTC';

const two = (value: number): string => String(value).padStart(2, '0');

/** The same moment, of which the UTC members are those of the zone's clock. */
function inZone(at: number, zone: Zone): Date {
  return zone === 'UTC' ? new Date(at) : new Date(at - new Date(at).getTimezoneOffset() * 60_000);
}

const timeOf = (date: Date): string =>
  `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;

/** Milliseconds since 1970; `undefined`: QEMU did not know the time. */
export function parseTime(time: string | null | undefined): number | undefined {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** With the day where that is not the day of `now`: `14:03:22`, `28 Nov 14:03`, `28 Nov 2025 14:03`. */
export function moment(at: number, now: number, zone: Zone): string {
  const [date, today] = [inZone(at, zone), inZone(now, zone)];
  const day = dayOf(date, today);
  return day === '' ? timeOf(date) : `${day} ${timeOf(date).slice(0, 5)}`;
}

/** With milliseconds, and the day where that is not the day of `now`. */
export function exactMoment(at: number, now: number, zone: Zone): string {
  const [date, today] = [inZone(at, zone), inZone(now, zone)];
  const day = dayOf(date, today);
  return `${day}${day && ' '}${timeOf(date)}.${String(date.getUTCMilliseconds()).padStart(3, '0')}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayOf(date: Date, today: Date): string {
  const isSameYear = date.getUTCFullYear() === today.getUTCFullYear();
  if (isSameYear && date.getUTCMonth() === today.getUTCMonth() && date.getUTCDate() === today.getUTCDate()) return '';
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  return isSameYear ? day : `${day} ${date.getUTCFullYear()}`;
}

/** Whole, in ISO 8601 with the zone: `2026-11-29T15:03:22.120+01:00`. */
export function isoMoment(at: number, zone: Zone): string {
  const text = inZone(at, zone).toISOString();
  if (zone === 'UTC') return text;
  const minutes = -new Date(at).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${text.slice(0, -1)}${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Without the day: `14:03:22`. */
export const timeOfDay = (at: number, zone: Zone): string => timeOf(inZone(at, zone));

/** The zone as a short name: `UTC`, `CET`, `GMT+9`. */
export function zoneName(at: number, zone: Zone): string {
  if (zone === 'UTC') return 'UTC';
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(at);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'local';
}
