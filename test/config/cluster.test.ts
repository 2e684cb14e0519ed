// The settings of a cluster: what counts, and where each problem is.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ClusterSettings, type ConfigInput, readConfig, redactServer } from '../../src/config/index.js';
import { authority } from '../support/authority.js';
import { newFolder } from '../support/folder.js';

function clusterOf(flags: ConfigInput, env: Record<string, string> = {}): ClusterSettings | undefined {
  const read = readConfig(flags, env);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.config.cluster;
}

function problemsOf(flags: ConfigInput, env: Record<string, string> = {}): readonly string[] {
  const read = readConfig(flags, env);
  return read.ok ? [] : read.problems;
}

const nats = ['nats://n1:4222'];
const CREDS = '-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n-----BEGIN USER NKEY SEED-----\nSUx\n';

describe('a gateway', () => {
  it('is part of no cluster without a server of NATS', () => {
    expect(clusterOf({})).toBeUndefined();
    expect(clusterOf({ role: 'both' })).toBeUndefined();
  });

  it('with one is an owner and an edge of the cluster qmp, whose stream one server keeps', () => {
    expect(clusterOf({ nats })).toEqual({
      role: 'both',
      name: 'qmp',
      member: undefined,
      servers: nats,
      credsFile: undefined,
      tls: undefined,
      replicas: 1,
      requiresJwt: false,
    });
  });

  it('has its place in the cluster from flags, environment and file', () => {
    const config = join(newFolder(), 'gateway.yaml');
    writeFileSync(config, 'role: edge\nnatsReplicas: 3\ncluster: lab_1\n');
    const env = { QMP_GATEWAY_NATS: 'nats://n1 tls://n2:4333/ nats://[::1]:4222', QMP_GATEWAY_MEMBER: 'edge-1' };
    expect(clusterOf({ config, cluster: 'lab-2' }, env)).toMatchObject({
      role: 'edge',
      name: 'lab-2',
      member: 'edge-1',
      servers: ['nats://n1', 'tls://n2:4333', 'nats://[::1]:4222'],
      replicas: 3,
    });
  });

  it('has the files by which it is known to NATS, which must be usable', () => {
    const { folder, ca, issue } = authority();
    const { cert, key } = issue('edge', '/CN=edge');
    writeFileSync(join(folder, 'edge.creds'), CREDS);
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, 'nats: tls://n1\nnatsCreds: edge.creds\nnatsCa: ca.pem\n');
    expect(clusterOf({ config, natsCert: cert, natsKey: key })).toMatchObject({
      credsFile: join(folder, 'edge.creds'),
      tls: { ca, cert, key },
    });
    expect(clusterOf({ nats, natsCa: ca })?.tls).toEqual({ ca, cert: undefined, key: undefined });
    const other = issue('other', '/CN=other');
    expect(problemsOf({ nats, natsCert: cert, natsKey: other.key })).toEqual([
      expect.stringMatching(`^--nats-cert ${cert}: .*key`),
    ]);
  });

  it('that is an edge may have a folder, for its history', () => {
    expect(problemsOf({ nats, role: 'edge', data: '/data' })).toEqual([]);
  });
});

it('webhooks of an owner would never be sent, so they are a problem', () => {
  const file = join(newFolder(), 'gateway.yaml');
  writeFileSync(
    file,
    'webhooks:\n  - name: w\n    url: https://example.org/\n    secret: 0123456789abcdef0123456789abcdef\n',
  );
  const given = { config: file, nats: 'nats://127.0.0.1:4222' };
  const read = (role: string) => readConfig({ ...given, role }, {});
  expect(read('owner')).toMatchObject({ ok: false, problems: [expect.stringContaining('an owner sends none')] });
  expect(read('edge').ok).toBe(true);
});

describe('a problem', () => {
  it.each<[string, ConfigInput, string[]]>([
    ['an owner without NATS', { role: 'owner' }, ['--role owner: there is no cluster without --nats']],
    ['an edge without NATS', { role: 'edge' }, ['--role edge: there is no cluster without --nats']],
    [
      'each setting of NATS without a server',
      { natsCreds: '/c', natsCa: '/a', natsCert: '/b', natsKey: '/k', cluster: 'x', member: 'm', natsReplicas: '3' },
      ['creds /c', 'ca /a', 'cert /b', 'key /k', 'cluster x', 'member m', 'replicas 3'].map((each) => {
        const flag = /^(cluster|member)/.test(each) ? `--${each}` : `--nats-${each}`;
        return `${flag}: there is no cluster without --nats`;
      }),
    ],
    ['a demand for JWTs without NATS', { requireJwt: true }, ['--require-jwt: there is no cluster without --nats']],
    [
      'a demand for JWTs of an edge',
      { nats, role: 'edge', requireJwt: true },
      ['--require-jwt: an edge carries out no commands; it is for owners'],
    ],
    [
      'a demand for JWTs of nobody',
      { nats, requireJwt: true },
      ['--require-jwt: whose keys? --jwt-key or --jwt-jwks says it'],
    ],
    ['another role', { nats, role: 'leader' }, ['--role leader: one of owner edge both']],
    [
      'each source of an edge',
      {
        nats,
        role: 'edge',
        source: ['a=unix:/a'],
        discover: ['unix:/d/*.qmp'],
        accept: ['b=unix:/b'],
        share: ['a=unix:/s'],
      },
      ['--source a=unix:/a', '--discover unix:/d/*.qmp', '--accept b=unix:/b', '--share a=unix:/s'].map(
        (each) => `${each}: an edge has no sources: they are those of the owners`,
      ),
    ],
    ...['ws://n1:4222', 'n1:4222', 'nats://', 'nats://n1:x', 'nats://n1/path', 'nats://n1?a=b'].map(
      (url): [string, ConfigInput, string[]] => [
        `the server ${url}`,
        { nats: [url] },
        [`--nats ${url}: expected nats://HOST:PORT or tls://HOST:PORT`],
      ],
    ),
    ['a port that is none', { nats: ['nats://n1:65536'] }, ['--nats nats://n1:65536: a port is 1 to 65535']],
    ...['a.b', '*', '_INBOX', 'x'.repeat(65), ''].map((cluster): [string, ConfigInput, string[]] => [
      `the cluster "${cluster}"`,
      { nats, cluster },
      [`--cluster ${cluster}: expected a letter or digit, then up to 63 of A-Z a-z 0-9 - _`],
    ]),
    ['a member with a space', { nats, member: 'a b' }, ['--member a b: expected 1 to 120 of A-Z a-z 0-9 . _ : @ -']],
    ...['0', '2', '7', '1.5'].map((natsReplicas): [string, ConfigInput, string[]] => [
      `${natsReplicas} replicas`,
      { nats, natsReplicas },
      [`--nats-replicas ${natsReplicas}: expected one of 1 3 5`],
    ]),
    [
      'a certificate without a key',
      { nats, natsCert: 'package.json' },
      ['--nats-cert package.json: a certificate needs its --nats-key'],
    ],
    [
      'a key without a certificate',
      { nats, natsKey: 'package.json' },
      ['--nats-key package.json: a key needs its --nats-cert'],
    ],
    [
      'a file of credentials that has none',
      { nats, natsCreds: 'package.json' },
      ['--nats-creds package.json: expected a credentials file of NATS, with a JWT and the seed of its key'],
    ],
  ])('is %s', (_what, flags, problems) => {
    expect(problemsOf(flags)).toEqual(problems);
  });

  it('is a file that cannot be read, once', () => {
    expect(problemsOf({ nats, natsCreds: '/no/c', natsCa: '/no/a' })).toEqual([
      expect.stringMatching(/^--nats-creds \/no\/c: ENOENT/),
      expect.stringMatching(/^--nats-ca \/no\/a: ENOENT/),
    ]);
  });

  it('and everything else that shows a server have no password in them', () => {
    for (const url of ['ws://me:p@ss@n1', 'nats://me:p@ss@n1', 'me:p@ss@n1', 'nats://me:pass@n1/path'])
      expect(problemsOf({ nats: [url] }).join('\n')).toMatch(/^--nats [^@]*n1.*: expected/);
    expect(problemsOf({ nats: ['nats://me:pass@n1'] })).toEqual([]);
    expect(redactServer('nats://me:pass@n1:4222')).toBe('nats://n1:4222');
  });
});
