#!/usr/bin/env node
// Packs the client and the protocol's types, as built, as a package of their own: qmp-gateway-client-VERSION.tgz.
//
//   npm run pack:client [-- FOLDER]      FOLDER: where the file goes, default the present one
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version, license, engines, repository, dependencies, peerDependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const rxjs = dependencies.rxjs ?? peerDependencies.rxjs;

const entry = (path, more = {}) => ({ types: `./${path}.d.ts`, ...more, default: `./${path}.js` });
const manifest = {
  name: 'qmp-gateway-client',
  version,
  description:
    'The client of qmp-gateway: events, state and aborts of QEMU block jobs over WebSocket, for browsers and Node',
  license,
  repository,
  type: 'module',
  sideEffects: false,
  engines,
  exports: {
    '.': entry('client/index', { browser: './client/index.js', node: './client/node.js' }),
    './rx': entry('client/rx'),
    './file-store': entry('client/file-store'),
    './local-store': entry('client/local-store'),
    './protocol': entry('protocol/index'),
    './package.json': './package.json',
  },
  // The WebSocket of Node 20, which has none; a bundle for browsers leaves it out.
  dependencies: { ws: dependencies.ws },
  peerDependencies: { rxjs },
  peerDependenciesMeta: { rxjs: { optional: true } },
};

const folder = mkdtempSync(join(tmpdir(), 'qmp-gateway-client-'));
try {
  // The validation of params is the server's.
  for (const part of ['client', 'protocol'])
    cpSync(join(root, 'dist', part), join(folder, part), {
      recursive: true,
      filter: (path) => !/(schemas|shapes)\.|\.map$/.test(path),
    });
  for (const file of ['LICENSE', 'CHANGELOG.md']) cpSync(join(root, file), join(folder, file));
  writeFileSync(join(folder, 'README.md'), readmeOf(readFileSync(join(root, 'docs/CLIENT.md'), 'utf8')));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const to = resolve(process.argv[2] ?? '.');
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', to], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'ignore'],
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The page on the client, with this package's names, and without links to pages that it does not have. */
function readmeOf(page) {
  return page
    .replaceAll('qmp-gateway/client', 'qmp-gateway-client')
    .replaceAll('qmp-gateway/protocol', 'qmp-gateway-client/protocol')
    .replace(/^# .*$/m, '# qmp-gateway-client')
    .replace(/\n### The package of the client alone[\s\S]*$/, '\n')
    .replaceAll(/; there is also a \[[^\]]+\]\([^)]+\)/g, '')
    .replaceAll(/\[([^\]]+)\]\((?!#)[^)]+\)/g, '$1');
}
