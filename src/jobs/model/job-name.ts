// The name of a job on the wire: QEMU's id or, where that is longer than the wire allows, its beginning and a digest of all of it, so that two long
// ids with the same beginning have two names.
import { createHash } from 'node:crypto';
import { LIMITS } from '../../protocol/limits.js';
import type { JobRef } from '../../protocol/types.js';

/** Bytes that are kept of an id that is cut; the rest of `jobBytes` is for what marks it. */
const KEPT = 900;

export function nameOf(id: string): string {
  // A character has three bytes at the most; a pair of surrogates four.
  if (id.length * 3 <= LIMITS.jobBytes || Buffer.byteLength(id) <= LIMITS.jobBytes) return id;
  const bytes = Buffer.from(id);
  let end = KEPT;
  // A character is never cut in two.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}…${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`;
}

/** The present run of that name. */
export function runNamed<Run extends { ref: JobRef }>(runs: ReadonlyMap<string, Run>, name: string): Run | undefined {
  const exact = runs.get(name);
  if (exact || !/…[0-9a-f]{32}$/.test(name)) return exact;
  for (const run of runs.values()) if (run.ref.id === name) return run;
  return undefined;
}
