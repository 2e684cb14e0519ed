// The result of a call as a value: bad input and refusals are not exceptions. Imports only the wire's names.
import type { ErrorReason } from './codes.js';

export interface Refusal {
  reason: ErrorReason;
  /** For people. */
  message: string;
  /** Members of `error.data` besides `reason`. */
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

/** Bad params. Each problem names its member; at most 32 of them are given, and 1,000 characters of text. */
export function refuseParams(...problems: readonly string[]): { ok: false; error: Refusal } {
  const given = problems.slice(0, 32);
  return refuse('INVALID_PARAMS', given.join('; ').slice(0, 1_000), { problems: given });
}
