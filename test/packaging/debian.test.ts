// The Debian package: built, installed, run without another Node, and purged; and the units.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { have } from '../support/required.js';

// It is installed on this machine, so only where that was asked for.
const mayInstall = have('dpkg-deb', 'REQUIRE_DEB', process.env.REQUIRE_DEB === '1');

it.skipIf(!mayInstall)('installs, serves with its own Node, and leaves nothing when it is purged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'deb-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync(process.execPath, ['packaging/build-deb.mjs', folder], { stdio: 'ignore' });
  const [deb = ''] = readdirSync(folder);
  expect(deb).toMatch(/^qmp-gateway_.*\.deb$/);
  execFileSync('dpkg', ['-i', join(folder, deb)], { stdio: 'ignore' });
  onTestFinished(() => void spawnSync('dpkg', ['--purge', 'qmp-gateway']));
  // There is no other Node on this path.
  const env = { PATH: '/usr/bin:/bin', XDG_STATE_HOME: '/dev/null' };
  const gateway = (...args: string[]) => spawnSync('/usr/bin/qmp-gateway', args, { env, encoding: 'utf8' });
  expect(gateway('--version').stdout).toMatch(/^\d+\.\d+\.\d+/);
  expect(gateway('check-config', '--config', '/etc/qmp-gateway/gateway.yaml')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('listens at unix:/run/qmp-gateway/sock'),
  });
  const kit = spawnSync('/usr/bin/qmp-gateway-conformance', ['--list'], { env, encoding: 'utf8' });
  expect(kit).toMatchObject({ status: 0, stdout: expect.stringContaining('abort.sync-order') });
  const pages = ['man/man1/qmp-gateway.1.gz', 'bash-completion/completions/qmp-gateway'].map(
    (each) => `/usr/share/${each}`,
  );
  for (const page of pages) expect(existsSync(page), page).toBe(true);
  const serve = spawn('/usr/bin/qmp-gateway', ['serve', '--demo', '--listen', `unix:${folder}/sock`], { env });
  onTestFinished(() => void serve.kill('SIGKILL'));
  let said = '';
  for await (const chunk of serve.stdout) {
    said += chunk;
    if (/listens at .*\n/.test(said)) break;
  }
  expect(gateway('sources', '--url', `unix:${folder}/sock`)).toMatchObject({ status: 0 });
  serve.kill('SIGTERM');
  expect(await once(serve, 'exit')).toEqual([0, null]);
  execFileSync('dpkg', ['--purge', 'qmp-gateway'], { stdio: 'ignore' });
  for (const path of [
    '/var/lib/qmp-gateway',
    '/usr/lib/qmp-gateway',
    '/usr/bin/qmp-gateway',
    '/usr/bin/qmp-gateway-conformance',
    '/etc/qmp-gateway',
    '/usr/share/doc/qmp-gateway',
    ...pages,
  ])
    expect(existsSync(path), path).toBe(false);
});

describe('the units', () => {
  const isHere = have('systemd-analyze', 'REQUIRE_SYSTEMD');
  const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });

  it.skipIf(!isHere)('are valid, and the service is exposed little', () => {
    const service = 'packaging/qmp-gateway.service';
    const said = analyze('verify', service, 'packaging/qmp-gateway.socket').stderr;
    const own = said.split('\n').filter((line) => line.includes('qmp-gateway') && !line.includes('is not executable'));
    expect(own).toEqual([]);
    const level = Number(/level for \S+: ([\d.]+)/.exec(analyze('security', '--offline=true', service).stdout)?.[1]);
    expect(level).toBeLessThanOrEqual(2);
  });
});

// Its base image needs a registry.
const mayBuild = have('podman', 'REQUIRE_PODMAN');

it.skipIf(!mayBuild)('the Containerfile builds an image that answers', () => {
  execFileSync('podman', ['build', '-q', '-f', 'packaging/Containerfile', '-t', 'qmp-gateway-test', '.']);
  const asked = spawnSync('podman', ['run', '--rm', 'qmp-gateway-test', '--version'], { encoding: 'utf8' });
  expect(asked.stdout).toMatch(/^\d+\.\d+\.\d+/);
});
