// Times of the command line: what a user gives for a moment, and how one is printed: in the zone of this machine, or in UTC.
import { InvalidArgumentError, Option } from 'commander';
import ms, { type StringValue } from 'ms';
import { isDay } from '../protocol/time.js';

export const utcOption = (): Option => new Option('--utc', 'times in UTC; default: those of this machine’s zone');

/** `30m`, `2h ago`, `3d` before `now`, or a time in ISO 8601, in the local zone unless it has one; as milliseconds since 1970. */
export function parseSince(text: string, now = Date.now()): number {
  const length = text.replace(/\s+ago$/, '');
  const back = /^\d+(\.\d+)?\s*(s|m|h|d)$/.test(length) ? ms(length as StringValue) : undefined;
  // JavaScript reads a date alone as midnight in UTC.
  const whole = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text;
  const at =
    back === undefined ? (/^\d{4}-\d\d-\d\d/.test(text) && isDay(text) ? Date.parse(whole) : Number.NaN) : now - back;
  if (Number.isNaN(at)) throw new InvalidArgumentError('expected 30m, 2h, 3d or a time as 2026-11-29T08:00:00Z');
  return at;
}

/** How times of the wire (ISO 8601 in UTC) are printed. */
export interface Times {
  /** `2026-11-29 08:00:00+01:00`; `?` for null. */
  second(time: string | null): string;
  /** `08:00:00.123+01:00`; dashes for null. */
  clock(time: string | null): string;
  /** `2026-11-29`; dashes for null. */
  day(time: string | null): string;
}

/** @param utc whether in UTC, which ends in `Z`. */
export function timesIn(utc: boolean): Times {
  const parts = (time: string) => {
    const at = new Date(time);
    // Minutes by which UTC is ahead of the zone.
    const behind = utc ? 0 : at.getTimezoneOffset();
    const local = new Date(at.getTime() - behind * 60_000).toISOString();
    return { day: local.slice(0, 10), clock: local.slice(11, 23), zone: zoneOf(-behind) };
  };
  return {
    second: (time) => {
      if (time === null) return '?';
      const { day, clock, zone } = parts(time);
      return `${day} ${clock.slice(0, 8)}${zone}`;
    },
    clock: (time) => {
      if (time === null) return '--:--:--.---';
      const { clock, zone } = parts(time);
      return clock + zone;
    },
    day: (time) => (time === null ? '----------' : parts(time).day),
  };
}

function zoneOf(minutes: number): string {
  if (minutes === 0) return 'Z';
  const two = (value: number): string => String(value).padStart(2, '0');
  const ahead = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}

export const isoTime = (at: number): string => new Date(at).toISOString();
