// Times of the command line: what a user gives for a moment, and how one is printed.
import { InvalidArgumentError } from 'commander';
import ms, { type StringValue } from 'ms';

/** `30m`, `2h ago`, `3d` before `now`, or a time in ISO 8601; as milliseconds since 1970. */
export function parseSince(text: string, now = Date.now()): number {
  const length = text.replace(/\s+ago$/, '');
  const back = /^\d+(\.\d+)?\s*(s|m|h|d)$/.test(length) ? ms(length as StringValue) : undefined;
  const at = back === undefined ? (/^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN) : now - back;
  if (Number.isNaN(at)) throw new InvalidArgumentError('expected 30m, 2h, 3d or a time as 2026-11-29T08:00:00Z');
  return at;
}

/** To the second, in UTC. */
export const shortTime = (time: string | null): string =>
  time === null ? '?' : `${time.slice(0, 19).replace('T', ' ')}Z`;

export const isoTime = (at: number): string => new Date(at).toISOString();
