// The npm package, as somebody gets it in an empty folder.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('installs in an empty folder without a warning, answers, and has no dead link and no map without its source', () => {
  const folder = folderOf();
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [file] = Object.values(JSON.parse(packed)) as { filename: string }[];
  const home = join(folder, 'empty');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"type":"module"}');
  const install = ['install', '--no-audit', '--no-fund', join(folder, file?.filename ?? '')];
  const installed = spawnSync('npm', install, { cwd: home, encoding: 'utf8' });
  expect(installed.stderr).not.toMatch(/warn (?!install-scripts)/i);
  expect(installed.status).toBe(0);
  const bin = join(home, 'node_modules/.bin/qmp-gateway');
  expect(execFileSync(bin, ['--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+/);
  const kit = join(home, 'node_modules/.bin/qmp-gateway-conformance');
  expect(execFileSync(kit, ['--help'], { encoding: 'utf8' })).toMatch(/^Usage: qmp-gateway-conformance /);
  const script = "import('qmp-gateway').then(({ start, VERSION }) => console.log(typeof start, VERSION))";
  expect(execFileSync(process.execPath, ['-e', script], { cwd: home, encoding: 'utf8' })).toMatch(/^function \d/);
  const named = "import('qmp-gateway/qmp').then((qmp) => console.log(Object.keys(qmp).join()))";
  expect(execFileSync(process.execPath, ['-e', named], { cwd: home, encoding: 'utf8' })).toBe(
    'MonitorLost,QMP_LIMITS,ofType,openMonitor,supervise\n',
  );
  const own = join(home, 'node_modules/qmp-gateway');
  expect(readFileSync(join(own, 'dist/qmp-gateway.1'), 'utf8')).toMatch(/^\.TH QMP-GATEWAY 1 /);
  const files = readdirSync(own, { recursive: true, encoding: 'utf8' }).filter(
    (each) => !each.startsWith('node_modules'),
  );
  const orphans = files
    .filter((each) => each.endsWith('.map'))
    .filter((each) => {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(own, each), 'utf8'));
      const there = (source: string): boolean => existsSync(join(own, dirname(each), source));
      return !sourcesContent && !sources.every(there);
    });
  expect(orphans).toEqual([]);
  const dead = files
    .filter((each) => each.endsWith('.md'))
    .flatMap((page) =>
      [...readFileSync(join(own, page), 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map(([, target = '']) => join(own, dirname(page), target))
        .filter((target) => !existsSync(target)),
    );
  expect(dead.map((each) => each.slice(own.length))).toEqual([]);
});

it('packs the client alone: it installs nothing of the server, and is what `qmp-gateway/client` is', () => {
  const folder = folderOf();
  execFileSync(process.execPath, ['scripts/pack-client.mjs', folder], { stdio: 'ignore' });
  const [file = ''] = readdirSync(folder);
  expect(file).toMatch(/^qmp-gateway-client-\d.*\.tgz$/);
  const home = join(folder, 'empty');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"type":"module"}');
  const installed = spawnSync('npm', ['install', '--no-audit', '--no-fund', join(folder, file), 'rxjs@7'], {
    cwd: home,
    encoding: 'utf8',
  });
  expect([installed.status, installed.stderr]).toEqual([0, '']);
  expect(
    readdirSync(join(home, 'node_modules'))
      .filter((name) => !name.startsWith('.'))
      .sort(),
  ).toEqual(['qmp-gateway-client', 'rxjs', 'tslib', 'ws']);
  const names = (entry: string, from: string): string =>
    execFileSync(process.execPath, ['-e', `import('${entry}').then((all) => console.log(Object.keys(all).join()))`], {
      cwd: from,
      encoding: 'utf8',
    });
  for (const [own, whole] of [
    ['', '/client'],
    ['/rx', '/client/rx'],
    ['/file-store', '/client/file-store'],
    ['/local-store', '/client/local-store'],
    ['/protocol', '/protocol'],
  ])
    expect(names(`qmp-gateway-client${own}`, home)).toBe(names(`qmp-gateway${whole}`, process.cwd()));
  const own = join(home, 'node_modules/qmp-gateway-client');
  expect(readdirSync(join(own, 'protocol'))).not.toContain('schemas.js');
  const readme = readFileSync(join(own, 'README.md'), 'utf8');
  expect(readme).toContain("from 'qmp-gateway-client/rx'");
  expect(readme).not.toContain('qmp-gateway/');
  expect([...readme.matchAll(/\]\((?!#)/g)]).toEqual([]);
});
