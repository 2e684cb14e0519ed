// How far an abort has come that a person asked for.
import type { AbortParams } from 'qmp-gateway/protocol';
import type { Ending } from './outcome.js';

/** Where the dialog stands. All but the question go on to `settled` when the log says so. */
export type Stage =
  | { name: 'asking' }
  | { name: 'waiting'; since: number; params: AbortParams & { timeoutMs: number } }
  | { name: 'requested'; since: number }
  | { name: 'settled'; ending: Ending; tookMs: number }
  /** `inForce`: QEMU may have got the cancel although the answer is no success. */
  | { name: 'refused'; since: number; text: string; tookMs: number; inForce: boolean };
