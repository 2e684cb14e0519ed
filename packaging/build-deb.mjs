// Builds qmp-gateway_VERSION_ARCH.deb with its own Node: Debian 12 has 18, and the gateway needs 20.19. Usage: node packaging/build-deb.mjs [FOLDER]
// The Node is that which runs this script. npm run build comes first.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const target = resolve(process.argv[2] ?? '.');
const { name, version, description, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
if (!existsSync(join(root, 'dist/cli/main.js'))) throw new Error('nothing is built: npm run build');
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };
const architecture = ARCHITECTURES[process.arch];
if (!architecture) throw new Error(`no Debian architecture for ${process.arch}`);

/** Where each shell looks for completions, in /usr/share. */
const COMPLETIONS = {
  bash: 'bash-completion/completions/qmp-gateway',
  zsh: 'zsh/vendor-completions/_qmp-gateway',
  fish: 'fish/vendor_completions.d/qmp-gateway.fish',
};

/** Of a Node that was installed without its text. */
const NODE_LICENCE = `MIT, and the licences of what it contains: https://github.com/nodejs/node/blob/${process.version}/LICENSE`;

const tree = mkdtempSync(join(tmpdir(), 'deb-'));
try {
  const lib = join(tree, 'usr/lib/qmp-gateway');
  const folder = (path) => mkdirSync(join(tree, path), { recursive: true });
  for (const path of [
    'DEBIAN',
    'usr/bin',
    'usr/lib/qmp-gateway/bin',
    'lib/systemd/system',
    'etc/qmp-gateway',
    `usr/share/doc/${name}`,
    'usr/share/man/man1',
    'usr/share/bash-completion/completions',
    'usr/share/zsh/vendor-completions',
    'usr/share/fish/vendor_completions.d',
  ])
    folder(path);
  for (const part of [
    'dist',
    'docs',
    'package.json',
    'package-lock.json',
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    'LICENSE',
  ])
    cpSync(join(root, part), join(lib, part), { recursive: true });
  execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
    cwd: lib,
    stdio: 'inherit',
  });
  rmSync(join(lib, 'package-lock.json'));
  cpSync(process.execPath, join(lib, 'bin/node'));
  execFileSync('strip', [join(lib, 'bin/node')], { stdio: 'ignore' });
  for (const [program, file] of Object.entries(bin)) {
    const path = join(tree, 'usr/bin', program);
    writeFileSync(path, `#!/bin/sh\nexec /usr/lib/qmp-gateway/bin/node /usr/lib/qmp-gateway/${file} "$@"\n`);
    chmodSync(path, 0o755);
  }
  const printed = (...args) => execFileSync(process.execPath, [join(lib, 'dist/cli/main.js'), ...args]);
  writeFileSync(join(tree, 'usr/share/man/man1/qmp-gateway.1.gz'), gzipSync(printed('man'), { level: 9 }));
  for (const [shell, path] of Object.entries(COMPLETIONS))
    writeFileSync(join(tree, 'usr/share', path), printed('completion', shell));
  for (const unit of ['qmp-gateway.service', 'qmp-gateway.socket'])
    cpSync(join(root, 'packaging', unit), join(tree, 'lib/systemd/system', unit));
  cpSync(join(root, 'packaging/gateway.yaml'), join(tree, 'etc/qmp-gateway/gateway.yaml'));
  const nodeLicence = resolve(dirname(process.execPath), '../LICENSE');
  const doc = join(tree, `usr/share/doc/${name}`);
  writeFileSync(
    join(doc, 'copyright'),
    copyright(lib, existsSync(nodeLicence) ? readFileSync(nodeLicence, 'utf8') : NODE_LICENCE),
  );
  symlinkSync('/usr/lib/qmp-gateway/docs', join(doc, 'docs'));
  const bytes = Number(execFileSync('du', ['-sk', tree], { encoding: 'utf8' }).split('\t')[0]);
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    [
      `Package: ${name}`,
      `Version: ${version}`,
      `Architecture: ${architecture}`,
      `Maintainer: qmp-gateway maintainers <maintainers@qmp-gateway.invalid>`,
      `Installed-Size: ${bytes}`,
      'Depends: libc6, libstdc++6',
      'Section: admin',
      'Priority: optional',
      `Description: ${description.split(':')[0]}`,
      ` ${description}`,
      ` It carries its own Node ${process.version}.`,
      '',
    ].join('\n'),
  );
  writeFileSync(join(tree, 'DEBIAN/conffiles'), '/etc/qmp-gateway/gateway.yaml\n');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    cpSync(join(root, 'packaging/debian', script), join(tree, 'DEBIAN', script));
    chmodSync(join(tree, 'DEBIAN', script), 0o755);
  }
  const file = join(target, `${name}_${version}_${architecture}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z6', '--build', tree, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  console.log(`${file} ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB, ${(bytes / 1024).toFixed(0)} MiB installed`);
} finally {
  rmSync(tree, { recursive: true, force: true });
}

/** Licences of this package, of each dependency, and of Node with what it contains. */
function copyright(lib, nodeLicence) {
  const listed = JSON.parse(
    execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable', '--json'], {
      cwd: lib,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }) || '{}',
  );
  const lines = new Map();
  const visit = (tree) => {
    for (const [dependency, { version: at, dependencies }] of Object.entries(tree ?? {})) {
      const manifest = join(lib, 'node_modules', dependency, 'package.json');
      const { license = 'see its package' } = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : {};
      lines.set(`${dependency} ${at}: ${license}`, true);
      visit(dependencies);
    }
  };
  visit(listed.dependencies);
  const own = readFileSync(join(root, 'LICENSE'), 'utf8');
  return `qmp-gateway:\n\n${own}\n\nIts dependencies:\n\n${[...lines.keys()].sort().join('\n')}\n\nNode ${process.version}:\n\n${nodeLicence}\n`;
}
