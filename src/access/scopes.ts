// What a list of scopes grants: globs of sources that may be read, and of those whose jobs may be controlled. Control implies read.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { compileGlobs } from '../protocol/glob.js';
import type { Grants } from './access.js';

const GLOBS = z.array(z.string().min(1).max(1_024)).max(256);

export const SCOPES = z.strictObject({
  /** Globs of names of sources (`*` and `?`, whole name). */
  read: GLOBS.default([]),
  control: GLOBS.default([]),
  /** Whether `/metrics` may be read, which names every source. */
  metrics: z.boolean().default(false),
});

export type Scopes = z.output<typeof SCOPES>;

/** As the wire lists them: `read:GLOB`, `control:GLOB`, `metrics`; sorted, each once. */
function listScopes({ read, control, metrics }: Scopes): string[] {
  const listed = [...read.map((glob) => `read:${glob}`), ...control.map((glob) => `control:${glob}`)];
  return [...new Set(metrics ? [...listed, 'metrics'] : listed)].sort();
}

/** Equal scopes, in any order, are the same grants: they share frames. */
export function compileScopes(given: Scopes): Grants {
  const scopes = listScopes(given);
  const seen = compileGlobs([...given.read, ...given.control]);
  const controlled = compileGlobs(given.control);
  // Of `metrics` no stream depends.
  const streams = scopes.filter((scope) => scope !== 'metrics');
  return {
    id: createHash('sha256').update(JSON.stringify(streams)).digest('hex').slice(0, 16),
    scopes,
    metrics: given.metrics,
    sees: (source) => seen(source),
    may: (_verb, source) => controlled(source),
  };
}

export const areSame = (a: Grants, b: Grants): boolean => a.id === b.id && a.metrics === b.metrics;
