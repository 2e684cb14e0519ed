// What the scopes of `authenticate` allow, for pages that show it beforehand. The gateway decides.
import { compileGlobs } from './glob.js';

/** Whether jobs of that source may be controlled: `control:GLOB`, or `*`, which is everything. */
export function mayControl(scopes: readonly string[], source: string): boolean {
  if (scopes.includes('*')) return true;
  const globs = scopes.filter((scope) => scope.startsWith('control:')).map((scope) => scope.slice('control:'.length));
  return globs.length > 0 && compileGlobs(globs)(source);
}
