// docs/BESIDE.md: its configurations are ones that the programs take.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { havePrometheus, promtool } from '../support/prometheus.js';
import { have } from '../support/required.js';

const page = readFileSync('docs/BESIDE.md', 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'beside-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it.skipIf(!havePrometheus)('Prometheus takes its configuration', () => {
  const folder = folderOf();
  const [config = ''] = blocks('yaml');
  cpSync('docs/alerts.yml', join(folder, 'alerts.yml'));
  writeFileSync(join(folder, 'token'), 'x');
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, config.replace('/etc/prometheus/qmp-gateway.token', join(folder, 'token')));
  expect(promtool(['check', 'config', file])).toMatchObject({ code: 0, said: expect.stringContaining('SUCCESS') });
});

it.skipIf(!have('systemd-analyze', 'REQUIRE_SYSTEMD'))('systemd takes the unit of a machine', () => {
  const folder = folderOf();
  const [unit = ''] = blocks('ini');
  const file = join(folder, 'vm@.service');
  // The group and the program need not be on the machine of the test.
  writeFileSync(
    file,
    unit.replace('Group=qemu-monitors', 'Group=root').replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'),
  );
  const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  expect([status, stderr.split('\n').filter((line) => line.includes(folder))]).toEqual([0, []]);
});

it('the gateway takes its settings, and would serve what is there', () => {
  const folder = folderOf();
  const settings = parse(blocks('yaml')[1] ?? '') as { discover: string[] };
  mkdirSync(join(folder, 'vm1'));
  writeFileSync(join(folder, 'gateway.yaml'), JSON.stringify({ ...settings, metricsListen: '127.0.0.1:9464' }));
  const said = execFileSync(
    process.execPath,
    ['dist/cli/main.js', 'check-config', '--config', join(folder, 'gateway.yaml')],
    { encoding: 'utf8' },
  );
  expect(said).toContain('/run/vms/*/qmp.sock');
});
