// Writes docs/LICENCES.md: what is installed with the package, with licences. node packaging/licences.mjs [--check]; --check only compares.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const page = join(root, 'docs/LICENCES.md');
const manifestIn = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** As Node finds it: in the nearest node_modules from there up. */
function folderOf(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) throw new Error(`${name} is not installed: npm ci`);
  }
}

/** Rows of all that `folder` depends on, directly or not. Optional packages differ by platform, and there are none of which the gateway makes use. */
function visit(folder, rows) {
  for (const name of Object.keys(manifestIn(folder).dependencies ?? {})) {
    const found = folderOf(name, folder);
    const { version, license } = manifestIn(found);
    if (typeof license !== 'string') throw new Error(`${name} ${version} names no licence`);
    const row = `| \`${name}\` | ${version} | ${license} |`;
    if (rows.has(row)) continue;
    rows.add(row);
    visit(found, rows);
  }
}

const rows = new Set();
visit(root, rows);
const text = `# Licences

The gateway's own licence is MIT ([LICENSE](../LICENSE)). These packages are installed with it; each has its licence's text in its folder. \`npm run licences\` writes this page from what
is installed. The pages of the dashboard contain Preact, its signals and uPlot (MIT). The Debian package has Node too, with its licences in \`/usr/share/doc/qmp-gateway/copyright\`.

| package | version | licence |
| --- | --- | --- |
${[...rows].sort().join('\n')}
`;
if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (!existsSync(page) || readFileSync(page, 'utf8') !== text) {
  console.error('docs/LICENCES.md is not what is installed: npm run licences');
  process.exitCode = 1;
}
