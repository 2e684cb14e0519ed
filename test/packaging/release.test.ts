// The release script in a clone of its own: what it refuses, what it writes, and what it leaves to do.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

/** What git has of the present files, as one commit. */
function openClone() {
  const folder = mkdtempSync(join(tmpdir(), 'release-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const clone = join(folder, 'clone');
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: clone, encoding: 'utf8', stdio: 'pipe' });
  execFileSync('git', ['clone', '-q', '--depth', '1', `file://${resolve('.')}`, clone], { stdio: 'pipe' });
  // The scripts under test as they are now.
  for (const file of ['packaging/release.mjs', 'package.json', 'package-lock.json', 'CHANGELOG.md', '.gitignore'])
    writeFileSync(join(clone, file), readFileSync(file));
  symlinkSync(resolve('node_modules'), join(clone, 'node_modules'));
  appendFileSync(join(clone, '.git/info/exclude'), 'node_modules\n');
  for (const [key, value] of [
    ['user.name', 'test'],
    ['user.email', 'test@example.org'],
    ['commit.gpgsign', 'false'],
  ] as const)
    git('config', key, value);
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'present');
  const file = (name: string): string => readFileSync(join(clone, name), 'utf8');
  const release = (...args: string[]) =>
    spawnSync(process.execPath, ['packaging/release.mjs', ...args], { cwd: clone, encoding: 'utf8' });
  return { clone, git, file, release };
}

it('refuses what is no version or not greater, a dirty tree, and a CHANGELOG without entries', () => {
  const { clone, git, file, release } = openClone();
  const { version } = JSON.parse(file('package.json')) as { version: string };
  const refused = (args: string[], why: string): void => {
    const ended = release(...args);
    expect(ended.stderr).toContain(why);
    expect(ended.status).toBe(1);
  };
  refused([], 'usage');
  refused(['v9.0'], 'usage');
  refused([version], `${version} is not greater`);
  refused(['0.0.9'], 'is not greater');
  writeFileSync(join(clone, 'new'), '');
  refused(['9.0.0'], 'the tree is not clean');
  rmSync(join(clone, 'new'));
  writeFileSync(join(clone, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n## 0.0.1 - 2026-01-01\n\n- First.\n');
  git('commit', '-qam', 'empty');
  refused(['9.0.0'], 'no entries under Unreleased');
  expect(git('status', '--porcelain')).toBe('');
});

it('a dry run changes nothing, and a build that fails leaves nothing changed', () => {
  const { clone, git, release } = openClone();
  const dry = release('9.8.7', '--dry-run');
  expect(dry).toMatchObject({ status: 0, stderr: '' });
  expect(dry.stdout).toContain(
    'git commit -am "Release 9.8.7"\ngit tag -a v9.8.7 -m 9.8.7\ngit push origin HEAD v9.8.7',
  );
  writeFileSync(join(clone, 'src/broken.ts'), 'export const broken: number = "";\n');
  git('add', '-A');
  git('commit', '-qm', 'broken');
  expect(release('9.8.7', '--no-deb').status).toBe(1);
  expect(git('status', '--porcelain')).toBe('');
});

it('bumps the version, dates the CHANGELOG, packs, and with --commit commits and tags', () => {
  const { clone, git, file, release } = openClone();
  const before = file('CHANGELOG.md');
  const made = release('9.8.7', '--no-deb', '--commit');
  expect(made).toMatchObject({ status: 0 });
  expect(JSON.parse(file('package.json'))).toHaveProperty('version', '9.8.7');
  expect(JSON.parse(file('package-lock.json'))).toMatchObject({
    version: '9.8.7',
    packages: { '': { version: '9.8.7' } },
  });
  const changelog = file('CHANGELOG.md');
  expect(changelog).toMatch(/## Unreleased\n\n## 9\.8\.7 - \d{4}-\d\d-\d\d\n/);
  expect(changelog.replace(/\n## 9\.8\.7 - \S+\n/, '')).toBe(before);
  expect(existsSync(join(clone, 'release/qmp-gateway-9.8.7.tgz'))).toBe(true);
  expect(git('log', '-1', '--format=%s').trim()).toBe('Release 9.8.7');
  expect(git('tag', '--points-at', 'HEAD').trim()).toBe('v9.8.7');
  expect(git('status', '--porcelain')).toBe('');
  expect(made.stdout).toContain('git push origin HEAD v9.8.7\nnpm publish release/qmp-gateway-9.8.7.tgz');
  expect(made.stdout).not.toContain('git commit');
  expect(execFileSync(process.execPath, ['dist/cli/main.js', '--version'], { cwd: clone, encoding: 'utf8' })).toBe(
    '9.8.7\n',
  );
});
