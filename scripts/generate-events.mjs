#!/usr/bin/env node
// Writes src/protocol/generated/events.ts and src/qmp/generated/commands.ts: QEMU's events and commands as types, from what real binaries say of
// themselves.
//
//   npm run generate:events -- SCHEMA... [--out FOLDER]
//
// SCHEMA is a command line without its arguments ('qemu-system-x86_64', 'chroot /srv/trixie qemu-storage-daemon'), or a JSON file
// {"program": "qemu-system-x86_64", "version": "10.0", "schema": <the reply to query-qmp-schema>}. Default: both programs of this machine.
// FOLDER is written in place of src.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SchemaUnion } from './qmp-schema/merge.mjs';
import { printCommands, printEvents } from './qmp-schema/print.mjs';
import { readSchema } from './qmp-schema/read.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: join(root, 'src') } },
});
const given = positionals.length > 0 ? positionals : ['qemu-system-x86_64', 'qemu-storage-daemon'];
const union = new SchemaUnion(await Promise.all(given.map(readSchema)));

for (const [path, text] of [
  ['protocol/generated/events.ts', printEvents(union)],
  ['qmp/generated/commands.ts', printCommands(union)],
]) {
  const file = join(values.out, path);
  refuseToDrop(file);
  mkdirSync(dirname(file), { recursive: true });
  const biome = join(root, 'node_modules/.bin/biome');
  const formatted = execFileSync(biome, ['format', `--config-path=${root}`, '--stdin-file-path=src/generated.ts'], {
    cwd: root,
    input: text,
    maxBuffer: 2 ** 26,
  });
  writeFileSync(file, formatted);
  console.log(`${file}: ${formatted.length} bytes`);
}

/** A file for two versions that is made anew from one would lose what only the other has. */
function refuseToDrop(file) {
  if (!existsSync(file)) return;
  const from = /^\/\/ From: (.*)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.split(', ') ?? [];
  const lost = from.filter((label) => !union.labels.includes(label));
  if (lost.length === 0) return;
  console.error(`${file} is also from ${lost.join(', ')}: give these schemas too, or delete the file first`);
  process.exit(1);
}
