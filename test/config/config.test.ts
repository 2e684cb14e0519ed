// What the operator sets, from flags, environment and file: what counts, and where each problem is.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  type Config,
  type ConfigInput,
  describeVariable,
  readConfig,
  SETTINGS,
  unknownVariables,
} from '../../src/config/index.js';
import { LIMIT_SETTINGS } from '../../src/config/limits.js';
import { formatDiscovery } from '../../src/sources/index.js';

function fileOf(text: string, name = 'gateway.yaml'): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function configOf(flags: ConfigInput, env: Record<string, string> = {}): Config {
  const read = readConfig(flags, env);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.config;
}

function problemsOf(flags: ConfigInput, env: Record<string, string> = {}): readonly string[] {
  const read = readConfig(flags, env);
  return read.ok ? [] : read.problems;
}

/** Each line has the one before it ten times. */
const BOMB = Array.from({ length: 9 }, (_, n) =>
  n === 0
    ? 'a0: &a0 [x]'
    : `a${n}: &a${n} [${Array(10)
        .fill(`*a${n - 1}`)
        .join(',')}]`,
).join('\n');

const sourcesOf = ({ sources }: Config): string[] => sources.map(({ name }) => name);

describe('a setting', () => {
  it('of a flag counts before that of the environment, and this before that of the file', () => {
    const config = fileOf('source: [file=unix:/f]\nlogLevel: warn\n');
    expect(sourcesOf(configOf({ config }))).toEqual(['file']);
    expect(sourcesOf(configOf({ config }, { QMP_GATEWAY_SOURCES: 'a=unix:/a b=unix:/b' }))).toEqual(['a', 'b']);
    const flags = { config, source: ['flag=unix:/x'] };
    expect(sourcesOf(configOf(flags, { QMP_GATEWAY_SOURCES: 'a=unix:/a' }))).toEqual(['flag']);
    expect(configOf({ config }).logLevel).toBe('warn');
  });

  it('of the file may be JSON, and sources a map of their names', () => {
    const json = fileOf('{"listen": "127.0.0.1:0", "source": {"vm1": "unix:/1", "vm2": "tcp:h:2"}}', 'gateway.json');
    expect(sourcesOf(configOf({ config: json }))).toEqual(['vm1', 'vm2']);
  });

  it('that names another file is relative to the file that has it', () => {
    const config = fileOf('tokens: gateway.yaml.tokens\n');
    writeFileSync(`${config}.tokens`, `- {name: ci, sha256: ${'a'.repeat(64)}, read: ['*']}\n`);
    expect(configOf({ config }).access.tokens).toMatchObject([{ name: 'ci' }]);
  });

  it('of limits is that of the layer that has the limit', () => {
    const config = fileOf('limits: {connections: 5, logEntries: 2000}\n');
    expect(configOf({ config }).limits).toEqual({
      gateway: { connections: 5 },
      log: { total: 2_000 },
      disk: {},
      history: {},
      libvirt: {},
    });
  });
});

describe('problems', () => {
  it('are all listed, whatever they come from, each with its place', () => {
    const config = fileOf(`listen: [127.0.0.1:1, nowhere]
logLevel: loud
surce: [x]
insecure-no-auth: true
certificates:
  - subject: CN=a
    reed: [x]
limits:
  connections: 0
`);
    expect(problemsOf({ config }).map((line) => line.replace(config, 'FILE'))).toEqual([
      expect.stringMatching(/^FILE:2:1: logLevel: Invalid option/),
      'FILE:3:1: surce: no such setting; source is one',
      'FILE:4:1: insecure-no-auth: no such setting; insecureNoAuth is one',
      'FILE:7:5: reed: no such setting; read is one',
      expect.stringMatching(/^FILE:9:3: limits.connections: /),
      expect.stringMatching(/^FILE:1:23 listen nowhere: expected HOST/),
    ]);
    const good = fileOf('listen: [127.0.0.1:1, nowhere]\nsource:\n  vm1: unix:/a\n  vm 2: unix:/b\n');
    const all = problemsOf(
      { config: good, allowOrigin: ['https://a/b'] },
      { QMP_GATEWAY_COMPRESSION: 'zip', QMP_GATEWAY_SOCKET_MODE: '9' },
    );
    expect(all.map((line) => line.replace(good, 'FILE').slice(0, 40))).toEqual([
      expect.stringContaining('QMP_GATEWAY_SOCKET_MODE 9: expected thre'),
      expect.stringContaining('FILE:1:23 listen nowhere: expected HOST'),
      expect.stringContaining('FILE:4:3 source vm 2=unix:/b: '),
      expect.stringContaining('--allow-origin https://a/b: expected sch'),
      expect.stringContaining('QMP_GATEWAY_COMPRESSION zip: one of auto'),
    ]);
  });

  it.each([
    ['no YAML', 'listen: [', /^FILE:1:\d+: /],
    ['a key twice', 'listen: a\nlisten: b\n', /^FILE:2:1: Map keys must be unique/],
    ['a list', '- a\n', /^FILE:1:1: /],
    [
      'an alias without an anchor',
      'allowHost:\n  - *-prod\n',
      /^FILE:2:5: \*-prod: a text that begins with \* needs quotes$/,
    ],
    ['one text a billion times', BOMB, /^FILE: Excessive alias count/],
  ])('of a file that is %s have their place', (_what, text, problem) => {
    const config = fileOf(text);
    expect(problemsOf({ config })[0]?.replace(config, 'FILE')).toMatch(problem);
  });

  it('of a token file have their place too, and no secret in them', () => {
    const tokens = fileOf('- name: ci\n  sha256: qmpgw_secret\n', 'tokens.yaml');
    const problems = problemsOf({ tokens }).map((line) => line.replace(tokens, 'FILE'));
    expect(problems).toEqual(['FILE:2:3: 0.sha256: the SHA-256 of the token, as 64 hexadecimal digits']);
  });

  it.each<[string, ConfigInput, string]>([
    ['half of TLS', { tlsCert: '/c' }, 'TLS needs both'],
    ['a certificate that is not there', { tlsCert: '/no/c', tlsKey: '/no/k' }, '--tls-cert /no/c: ENOENT'],
    ['a user of no proxy', { proxyUserHeader: 'X-User' }, '--proxy-user-header X-User: from which proxy?'],
    ['a proxy that is none', { trustProxy: ['10.0.0.0/40'] }, '--trust-proxy 10.0.0.0/40: expected'],
    ['a descriptor that nobody passed', { listen: ['fd:3'] }, '--listen fd:3: no service manager'],
    ['a path of a socket that is too long', { listen: [`unix:/${'x'.repeat(107)}`] }, '1 to 107 bytes'],
    ['an empty folder', { data: '' }, '--data : expected the path of a folder'],
    ['a folder that a shell has not read', { data: '~/log' }, '--data ~/log: expected the path of a folder'],
    ['a variable that a shell has not read', { data: '$HOME/log' }, '--data $HOME/log: expected the path of a folder'],
    ['a folder as a URL', { data: 'file:///log' }, '--data file:///log: expected the path of a folder'],
    ['a group that is not there', { socketGroup: 'no-such-group' }, 'no such group'],
  ])('%s is one', (_what, flags, problem) => {
    expect(problemsOf(flags).join('\n')).toContain(problem);
  });

  it('a place beyond loopback is one, unless clients must be known or it was asked for by name', () => {
    const tokens = fileOf('[]', 'tokens.yaml');
    for (const listen of ['0.0.0.0:1', '[::]:1', 'gw.example:1']) {
      expect(problemsOf({ listen: [listen] })[0]).toContain('everybody who reaches it');
      expect(problemsOf({ metricsListen: listen })[0]).toMatch(/^--metrics-listen .*could read the metrics/);
      expect(problemsOf({ listen: [listen], tokens })).toEqual([]);
      expect(problemsOf({ listen: [listen], insecureNoAuth: true })).toEqual([]);
    }
    expect(problemsOf({ listen: ['unix:/x', '127.0.0.2:1', '[::1]:1'] })).toEqual([]);
  });
});

it('a file without a word but comments is a problem, which says what stands for nothing', () => {
  const empty = fileOf('# source: {}\n');
  expect(problemsOf({ config: empty })).toEqual([
    `${empty}: there is nothing in the file; {} says that nothing is meant`,
  ]);
  expect(problemsOf({ tokens: empty })[0]).toContain('; [] says that nothing is meant');
  expect(configOf({ config: fileOf('{}') }).sources).toEqual([]);
});

it('a file of settings, tokens, TLS or keys is read again by SIGHUP; without one SIGHUP ends the gateway', () => {
  const issuer = { jwtIssuer: 'https://issuer', jwtAudience: 'gw' };
  const { publicKey } = generateKeyPairSync('ed25519');
  const key = fileOf(publicKey.export({ type: 'spki', format: 'pem' }) as string, 'key.pem');
  expect(configOf({ source: ['a=unix:/a'] }).reloads).toBe(false);
  expect(configOf({ jwtJwks: 'https://issuer/jwks', ...issuer }).reloads).toBe(false);
  for (const flags of [{ config: fileOf('{}') }, { tokens: fileOf('[]') }, { jwtKey: key, ...issuer }])
    expect(configOf(flags).reloads).toBe(true);
});

it('sockets of a service manager are taken where they were passed to this process', () => {
  const env = { LISTEN_PID: String(process.pid), LISTEN_FDS: '2' };
  expect(configOf({ listen: ['fd:3', 'fd:4'] }, env).listen).toEqual([
    { kind: 'fd', fd: 3 },
    { kind: 'fd', fd: 4 },
  ]);
  for (const fd of ['fd:2', 'fd:5', 'fd:x']) expect(problemsOf({ listen: [fd] }, env)).toHaveLength(1);
});

describe('a shared socket', () => {
  const source = ['vm1=unix:/run/vm1.qmp', 'web=libvirt:web'];
  const read = (...share: string[]) => readConfig({ source, share }, {});

  it('has its policy, its mode and its group in its parameters', () => {
    const all = read('vm1=unix:/run/a', 'vm1=unix:/run/b?allow=query-*,job-?x&mode=0660&group=0');
    expect(all.ok && all.config.shares).toEqual([
      { source: 'vm1', path: '/run/a', allow: undefined, mode: 0o600, group: undefined },
      { source: 'vm1', path: '/run/b', allow: ['query-*', 'job-?x'], mode: 0o660, group: 0 },
    ]);
  });

  it.each([
    ['web=unix:/run/a', 'a domain of libvirt can’t be shared: its monitor is libvirt’s (virsh qemu-monitor-command)'],
    ['vm2=unix:/run/a', 'no source vm2'],
    ['vm1=unix:/run/vm1.qmp', 'QEMU listens at that path itself'],
    ['vm1=unix:/run/a?allow=', 'allow has names of QMP commands, with * and ?, separated by commas'],
    ['vm1=unix:/run/a?mode=9', 'expected three octal digits, as 0660'],
    ['vm1=unix:/run/a?deny=x', 'a shared socket has no parameter deny'],
    ['vm1=tcp:host:1', 'expected NAME=unix:/path, then perhaps ?allow=query-*,block-job-*&mode=0660&group=NAME'],
  ])('%s: %s', (share, why) => {
    const { problems } = read(share) as { problems: readonly string[] };
    expect(problems.map((line) => line.split(': ').slice(1).join(': '))).toEqual([why]);
  });

  it('of a source that may be found is taken', () => {
    expect(readConfig({ discover: ['unix:/run/*.qmp'], share: ['vm7=unix:/x'] }, {}).ok).toBe(true);
  });
});

describe('a socket at which QEMUs connect', () => {
  const problemOf = (accept: string[], flags: ConfigInput = {}): string =>
    problemsOf({ accept, source: ['vm1=unix:/a'], ...flags }).join('\n');

  it('is a name or a prefix, a path with mode and group, or a port of this host', () => {
    const file = fileOf('accept: ["t-*=tcp:[::1]:7071"]\n');
    expect(
      configOf({ accept: ['vm=unix:/r/a', 'a-b-*=unix:/r/b?mode=0600&group=7', 'c=tcp:localhost:1'] }).discoveries,
    ).toEqual([
      { kind: 'accept', accept: { name: 'vm', many: false, address: { kind: 'unix', path: '/r/a', mode: 0o660 } } },
      {
        kind: 'accept',
        accept: { name: 'a-b', many: true, address: { kind: 'unix', path: '/r/b', mode: 0o600, group: 7 } },
      },
      { kind: 'accept', accept: { name: 'c', many: false, address: { kind: 'tcp', host: 'localhost', port: 1 } } },
    ]);
    expect(configOf({ config: file }).discoveries.map(formatDiscovery)).toEqual(['t-*=tcp:[::1]:7071']);
    const shown = configOf({ accept: ['vm=unix:/r/a', 't-*=unix:/r/b?mode=600&group=7'] }).discoveries.map(
      formatDiscovery,
    );
    expect(shown).toEqual(['vm=unix:/r/a?mode=0660', 't-*=unix:/r/b?mode=0600&group=7']);
  });

  it.each([
    [['vm'], 'expected NAME=unix:/path'],
    [['vm=unix:relative'], 'expected NAME=unix:/path'],
    [['vm=tcp:h'], 'expected NAME=unix:/path'],
    [['vm=tcp:localhost:0'], 'a port is 1 to 65535'],
    [['v m=unix:/r/a'], 'a name is 1 to 120'],
    [['-*=unix:/r/a', '*=unix:/r/b'], '--accept *=unix:/r/b: a name is'],
    [[`vm=unix:/${'x'.repeat(107)}`], '1 to 107 bytes'],
    [['vm=unix:/r/a?mode=9'], 'three octal digits'],
    [['vm=unix:/r/a?allow=x'], 'no parameter allow'],
    [['vm1=unix:/r/a'], 'the name is given twice'],
    [['vm=unix:/r/a', 'vm=unix:/r/b'], 'the name is given twice'],
    [['vm=unix:/r/a', 'vm-*=unix:/r/a'], 'the address is given twice'],
    [['vm=tcp:10.0.0.1:7071'], '--accept vm=tcp:10.0.0.1:7071: in the network QEMU’s monitor needs TLS'],
    [['vm=tcp:[::]:7071'], 'needs TLS'],
  ])('%j: %s', (accept, why) => {
    expect(problemOf(accept)).toContain(why);
  });

  it('may be shared under its name, and not under a prefix', () => {
    expect(problemsOf({ accept: ['vm=unix:/r/a'], share: ['vm=unix:/r/s'] })).toEqual([]);
    expect(problemsOf({ accept: ['vm-*=unix:/r/a'], share: ['vm-1=unix:/r/s'] })[0]).toContain('no source vm-1');
  });
});

describe('webhooks', () => {
  const hook = (more: string): string =>
    `webhooks:\n  - name: w\n    url: https://hooks.example/x\n    secret: sixteen-letters-long\n${more}`;

  it('have their defaults, and a key that may be in a file beside that of the settings', () => {
    const config = fileOf('webhooks:\n  - {name: w, url: "https://hooks.example/x", secretFile: w.key}\n');
    writeFileSync(join(config, '..', 'w.key'), '  a key of letters\n');
    expect(configOf({ config }).webhooks).toEqual([
      {
        ...{
          name: 'w',
          url: 'https://hooks.example/x',
          secret: 'a key of letters',
          format: 'plain',
          allowPrivate: false,
        },
        types: ['GATEWAY_JOB_SETTLED', 'GATEWAY_JOB_ATTENTION'],
      },
    ]);
  });

  it.each<[string, string, string]>([
    ['another scheme', 'ftp://h/', 'FILE:3:5: webhooks.0.url: expected https://HOST/PATH'],
    ['no URL', 'hooks', 'FILE:3:5: webhooks.0.url: expected https://HOST/PATH'],
    [
      'credentials',
      'https://me:word@h/',
      'FILE:3:5: webhooks.0.url: a URL with credentials: the signature says who sends',
    ],
    ['plain http', 'http://h/', 'FILE:3:5: webhooks.0.url: http is readable on its way: https, or allowPrivate'],
    ['an address that is not public', 'https://169.254.169.254/', 'FILE:3:5: webhooks.0.url: no public address'],
  ])('with %s are a problem, which has no part of the URL', (_what, url, problem) => {
    const config = fileOf(hook('').replace('https://hooks.example/x', url));
    const problems = problemsOf({ config }).map((line) => line.replace(config, 'FILE'));
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems.join()).not.toContain('me:word');
    if (/^https?:..(h|169.*)\/$/.test(url))
      expect(
        problemsOf({ config: fileOf(hook('    allowPrivate: true\n').replace('https://hooks.example/x', url)) }),
      ).toEqual([]);
  });

  it.each<[string, string, string]>([
    [
      'no key',
      'webhooks: [{name: w, url: "https://h/"}]',
      'FILE:1:13: webhooks.0.name: needs one of secretFile and secret',
    ],
    [
      'a short key',
      'webhooks: [{name: w, url: "https://h/", secret: short-one}]',
      'webhooks.0.secret: at least 16 characters',
    ],
    ['a file of a key that is not there', 'webhooks: [{name: w, url: "https://h/", secretFile: no.key}]', 'ENOENT'],
    [
      'a name that is a path',
      'webhooks: [{name: ../w, url: "https://h/", secret: sixteen-letters-long}]',
      'webhooks.0.name: a name is',
    ],
    [
      'a name twice',
      `${hook('')}  - {name: w, url: "https://h/", secret: sixteen-letters-long}`,
      'FILE:5:6: webhooks.1.name: w is given twice',
    ],
    ['an unknown member', hook('    retries: 5\n'), 'FILE:5:5: retries: no such setting'],
    ['an unknown format', hook('    format: xml\n'), 'FILE:5:5: webhooks.0.format: '],
    ['no glob', hook('    types: []\n'), 'FILE:5:5: webhooks.0.types: '],
  ])('with %s are a problem with its place, without the key', (_what, text, problem) => {
    const config = fileOf(text);
    const problems = problemsOf({ config }).map((line) => line.replace(config, 'FILE'));
    expect(problems.join('\n')).toContain(problem);
    expect(problems.join('\n')).not.toMatch(/sixteen|short-one/);
  });

  it('with a file of a short key are a problem', () => {
    const config = fileOf('webhooks: [{name: w, url: "https://h/", secretFile: w.key}]');
    writeFileSync(join(config, '..', 'w.key'), 'short-one\n');
    expect(problemsOf({ config })).toEqual([
      expect.stringMatching(/:1:\d+ webhooks .*w\.key: at least 16 characters$/),
    ]);
  });
});

it('every limit of the file stands in docs/OPERATIONS.md, in one row', () => {
  const rows = readFileSync('docs/OPERATIONS.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  for (const key of Object.keys(LIMIT_SETTINGS.shape))
    expect(rows.filter((row) => row.includes(`\`${key}\``)).length, key).toBeGreaterThan(0);
});

it('docs/config.schema.json is the schema of the file', async () => {
  const schema = z.toJSONSchema(SETTINGS, { io: 'input' });
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../docs/config.schema.json');
});

it('variables that nothing reads are named, with the one that was meant; those of Kubernetes and of clients are known', () => {
  const set = {
    QMP_GATEWAY_ALOW_HOST: 'x',
    QMP_GATEWAY_FROBNICATE: '1',
    QMP_GATEWAY_ALLOW_HOST: 'x',
    QMP_GATEWAY_TOKEN: 'x',
    QMP_GATEWAY_SERVICE_HOST: '10.0.0.1',
    QMP_GATEWAY_SERVICE_PORT_WS: '7070',
    QMP_GATEWAY_PORT: 'tcp://10.0.0.1:7070',
    QMP_GATEWAY_PORT_7070_TCP_ADDR: '10.0.0.1',
    OTHER: 'x',
  };
  expect(unknownVariables(set).map(describeVariable)).toEqual([
    'QMP_GATEWAY_ALOW_HOST is set, and is no variable of this program; QMP_GATEWAY_ALLOW_HOST is one',
    'QMP_GATEWAY_FROBNICATE is set, and is no variable of this program',
  ]);
});
