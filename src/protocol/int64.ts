// A 64-bit integer of QEMU in JSON.

/** A 64-bit integer on the wire: a number up to 2^53-1, beyond it a decimal string. Never rounded. */
export type Int64 = number | string;

/** Whether it is one, signed or not. */
export const isInt64 = (value: unknown): value is Int64 =>
  Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d{16,20}$/.test(value));
