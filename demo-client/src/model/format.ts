// Figures for people. In: the wire's numbers. Out: short text of stable width. Pure.
import type { Int64, JobStatus, JobType, Outcome } from 'qmp-gateway/protocol';

/** A display value; beyond 2^53 the last digits are lost, which no reader of "8.0 EiB" minds. */
export const toNumber = (value: Int64): number => Number(value);

const STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Three significant digits: `512 B`, `1.50 GiB`, `20.0 MiB`. */
export function bytes(count: number): string {
  let value = count;
  let step = 0;
  while (Math.abs(value) >= 999.5 && step < STEPS.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${step === 0 ? Math.round(value) : digits(value)} ${STEPS[step]}`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/** Jobs whose `len` and `offset` are bytes. For all others QEMU promises no unit. */
const BYTE_TYPES: ReadonlySet<string> = new Set(['commit', 'stream', 'mirror', 'backup']);
export const countsBytes = (type: JobType | null): boolean => type !== null && BYTE_TYPES.has(type);

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

export function amount(count: number, type: JobType | null): string {
  if (countsBytes(type)) return bytes(count);
  return count < 100_000 ? count.toLocaleString('en', { maximumFractionDigits: 0 }) : COMPACT.format(count);
}

export function rate(perSecond: number, type: JobType | null): string {
  return `${amount(Math.max(0, perSecond), type)}/s`;
}

/** `speed` of a job is its limit. */
export function limit(speed: Int64): string {
  return toNumber(speed) === 0 ? 'unlimited' : `${bytes(toNumber(speed))}/s`;
}

/** 0 to 1; `undefined` where there is nothing to measure against. */
export function share(len: Int64, offset: Int64): number | undefined {
  const whole = toNumber(len);
  return whole > 0 ? Math.min(1, Math.max(0, toNumber(offset) / whole)) : undefined;
}

/** Here more may still be copied: a mirror at its length may be dirtied again before it is READY. */
const COPYING: readonly (JobStatus | Outcome)[] = ['created', 'running', 'paused'];

/** Rounded down; 100 only where all is copied and stays so. */
export function percent(part: number | undefined, state: JobStatus | Outcome): string {
  if (part === undefined) return '—';
  return part >= 1 && !COPYING.includes(state)
    ? '100 %'
    : `${Math.min(99.9, Math.floor(part * 1000) / 10).toFixed(1)} %`;
}

/** `850 ms`, `4.2 s`, `3 min 12 s`, `2 h 05 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${pad(minutes % 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const pad = (value: number): string => String(value).padStart(2, '0');

/** Time of day with milliseconds, in the reader's zone. QEMU may not know the time. */
export function clock(time: string | null): string {
  const date = new Date(time ?? '');
  if (Number.isNaN(date.getTime())) return '--:--:--.---';
  const whole = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(':');
  return `${whole}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
