// Digests of entries, equal where what clients see is equal. Members in one order, so that it does not matter who wrote the JSON.
import type { Entry } from '../../src/protocol/index.js';

/** 53 bits (cyrb53). */
export function hash(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

/** Members without a value are left out. */
export function canonical(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = value as Record<string, unknown>;
  const names = Object.keys(members).filter((name) => members[name] !== undefined);
  return `{${names
    .sort()
    .map((name) => `${name}:${canonical(members[name])}`)
    .join()}}`;
}

export const digestOf = ({ offset, source, type, time, job, repeated, data }: Entry): number =>
  hash(`${offset} ${source} ${type} ${time} ${job?.id} ${job?.run} ${repeated} ${canonical(data)}`);

/** @param time as the wire has it. */
export const tokenOf = (type: string, time: string | null, data: unknown): number =>
  hash(`${type} ${time} ${canonical(data ?? {})}`);
