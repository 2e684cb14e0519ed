// What a call came to, as a value: bad input and refusals are no exceptions. Imports the wire's names alone.
import type { ErrorReason } from './codes.js';

export interface Refusal {
  reason: ErrorReason;
  /** For people. */
  message: string;
  /** Members of `error.data` beside `reason`. */
  data?: Record<string, unknown>;
}

export type Answer<Result> = { ok: true; result: Result } | { ok: false; error: Refusal };

export function refuse(
  reason: ErrorReason,
  message: string,
  data?: Record<string, unknown>,
): { ok: false; error: Refusal } {
  return { ok: false, error: data ? { reason, message, data } : { reason, message } };
}
