// Values of flags and arguments, checked before anything is asked of a gateway, within the limits of the wire. Pure.
import { InvalidArgumentError } from 'commander';
import ms, { type StringValue } from 'ms';
import { parseCursor } from '../protocol/cursor.js';
import { LIMITS } from '../protocol/limits.js';
import type { Cursor } from '../protocol/types.js';
import { formatDuration } from '../protocol/words.js';

type Parser<Value> = (text: string) => Value;

/** With a unit, as `30s`, `5m`, `250ms`, within these bounds in milliseconds. */
export const duration =
  (least: number, most: number): Parser<number> =>
  (text) => {
    if (/^[\d.]+$/.test(text)) throw new InvalidArgumentError(`give a unit, as ${text}s or ${text}ms`);
    const value = /^[\d.]+\s*[a-z]+$/i.test(text) ? ms(text as StringValue) : undefined;
    if (value === undefined || !Number.isFinite(value))
      throw new InvalidArgumentError('expected a duration as 30s, 5m or 250ms');
    if (value < least || value > most)
      throw new InvalidArgumentError(`expected ${formatDuration(least)} to ${formatDuration(most)}`);
    return Math.round(value);
  };

/** The bound of a call. */
export const timeout = duration(LIMITS.timeoutMinMs, LIMITS.timeoutMaxMs);

export const count =
  (most: number): Parser<number> =>
  (text) => {
    if (!/^[1-9]\d*$/.test(text) || Number(text) > most)
      throw new InvalidArgumentError(`expected a number from 1 to ${most}`);
    return Number(text);
  };

/** The name of a run, as `jobs -o wide` prints it. */
export const run: Parser<string> = (text) => {
  if (!/^[\x21-\x7e]{1,64}$/.test(text)) throw new InvalidArgumentError('expected a run, as 941e529b3176:2');
  return text;
};

export const cursor: Parser<Cursor> = (text) => {
  if (parseCursor(text) === undefined) throw new InvalidArgumentError('expected a cursor, as 430c4696:19');
  return text;
};

/** Of `<glob...>`: called once for each. */
export function globs(text: string, before: string[] | undefined): string[] {
  const all = [...(before ?? []), text];
  if (text === '') throw new InvalidArgumentError('it is empty');
  if (Buffer.byteLength(text) > LIMITS.globLength) throw new InvalidArgumentError(`at most ${LIMITS.globLength} bytes`);
  if (all.length > LIMITS.globs) throw new InvalidArgumentError(`at most ${LIMITS.globs} of them`);
  return all;
}

const UNITS = ['', 'K', 'M', 'G', 'T'] as const;
const INT64_MAX = 2n ** 63n - 1n;

/** Bytes per second: `20M`, `1.5GiB`, `500000`, and `0` or `unlimited`. The units are powers of 1024. */
export const speed: Parser<string> = (text) => {
  if (text === 'unlimited') return '0';
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?(?:\/s)?$/i.exec(text) ?? [];
  const factor = 1024n ** BigInt(UNITS.indexOf(unit.toUpperCase() as (typeof UNITS)[number]));
  const bytes = /^\d+$/.test(number)
    ? BigInt(number) * factor
    : BigInt(Math.round(Number(number || Number.NaN) * Number(factor)) || -1);
  if (bytes < 0n || bytes > INT64_MAX)
    throw new InvalidArgumentError('expected bytes per second, as 20M, 1.5G, 500000 or unlimited');
  return String(bytes);
};
