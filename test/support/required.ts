// A program that tests need: where it is not installed they are left out with one line that says so, and never where it is required.
import { spawnSync } from 'node:child_process';

/** @param variable that requires it where it is `1`. @param more another reason to leave out. */
export function have(program: string, variable: string, more = true): boolean {
  const isThere = more && spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!isThere && process.env[variable] === '1') throw new Error(`${program} is required here, and is not installed`);
  if (!isThere) console.warn(`SKIPPED: tests with ${program} (${variable}=1 requires them)`);
  return isThere;
}
