// How serious an event is, as a word; and which events are important. Pure.
import type { Entry } from 'qmp-gateway/protocol';
import type { Tone } from '../run/outcome.js';
import { describe } from './describe.js';

export const SEVERITY: Readonly<Record<Tone, string>> = { bad: 'Error', warn: 'Warning', good: 'Good', calm: 'Info' };

/** Whatever their tone: the end of a run, and copies that wait to be completed. */
const ALWAYS: readonly string[] = ['GATEWAY_JOB_SETTLED', 'BLOCK_JOB_READY'];

/** What went wrong, has ended, or waits for a person. */
export function isImportant(entry: Entry): boolean {
  const { tone } = describe(entry);
  return tone === 'bad' || tone === 'warn' || ALWAYS.includes(entry.type);
}
