// docs/LICENCES.md is what is installed, and every licence allows to be passed on with this one.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('the page lists what is installed with the package', () => {
  const checked = spawnSync(process.execPath, ['packaging/licences.mjs', '--check'], { encoding: 'utf8' });
  expect(checked).toMatchObject({ stderr: '', status: 0 });
});

it('every licence is a permissive one', () => {
  const rows = readFileSync('docs/LICENCES.md', 'utf8').match(/^\| `.*$/gm) ?? [];
  expect(rows.length).toBeGreaterThan(10);
  const licences = rows.map((row) => row.split(' | ').at(-1)?.replace(' |', '') ?? '');
  const known = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'];
  expect(licences.filter((licence) => !known.includes(licence))).toEqual([]);
});
