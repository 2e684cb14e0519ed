#!/usr/bin/env node
// Packs the server of the Model Context Protocol with the client and the protocol, as built: qmp-gateway-mcp-VERSION.tgz.
//
//   npm run pack:mcp [-- FOLDER]      FOLDER: where the file goes, default the present one
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { private: _, ...manifest } = JSON.parse(readFileSync(join(root, 'mcp/package.json'), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'qmp-gateway-mcp-'));
try {
  for (const file of ['server.js', 'explain.js', 'README.md']) cpSync(join(root, 'mcp', file), join(folder, file));
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  for (const part of ['client', 'protocol'])
    cpSync(join(root, 'dist', part), join(folder, 'lib', part), {
      recursive: true,
      filter: (path) => !/(schemas|shapes)\.|\.map$|\.d\.ts$/.test(path),
    });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ ...manifest, version }, undefined, 2)}\n`);
  const to = resolve(process.argv[2] ?? '.');
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', to], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'ignore'],
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
