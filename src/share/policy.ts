// Which commands a shared socket passes on. Pure.
import { compileGlobs, isWild } from '../protocol/glob.js';

/** Default: commands that only read. */
const READ_ONLY = ['query-*'];

/**
 * No glob matches these. `human-monitor-command` does everything that no policy sees; the others pass file descriptors, which belong to the
 * connection that all tools share.
 */
const BY_NAME_ALONE = new Set([
  'human-monitor-command',
  'getfd',
  'closefd',
  'add-fd',
  'remove-fd',
  'get-win32-socket',
  'add_client',
]);

/** @param patterns names of commands, with `*` and `?`; default `query-*`. */
export function compilePolicy(patterns: readonly string[] = READ_ONLY): (command: string) => boolean {
  const named = new Set(patterns.filter((pattern) => !isWild(pattern)));
  const wild = patterns.filter(isWild);
  const matches = wild.length === 0 ? (): boolean => false : compileGlobs(wild);
  return (command) => named.has(command) || (!BY_NAME_ALONE.has(command) && matches(command));
}
