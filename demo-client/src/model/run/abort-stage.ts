// The stages of an abort that a user began.
import type { AbortParams } from 'qmp-gateway/protocol';
import type { Ending } from './outcome.js';

/** State of the dialog. Every stage but `question` goes on to `settled` when the log has the settlement. */
export type Stage =
  | { name: 'asking' }
  | { name: 'waiting'; since: number; params: AbortParams & { timeoutMs: number } }
  | { name: 'requested'; since: number }
  | { name: 'settled'; ending: Ending; tookMs: number }
  /** `inForce`: QEMU may have got the cancel although the answer is an error. */
  | { name: 'refused'; since: number; text: string; tookMs: number; inForce: boolean };
