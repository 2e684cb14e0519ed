// The ways in which clients are known, together: tokens, proxies, certificates, and unix listeners.
import { describe, expect, it } from 'vitest';
import {
  type AccessChange,
  AccessPolicy,
  type AccessSettings,
  type Credentials,
  newToken,
  type Principal,
  type Scopes,
  type Transport,
} from '../../src/access/index.js';
import type { Answer } from '../../src/protocol/answer.js';
import { FakeClock } from '../support/fake-clock.js';

const TCP: Transport = { kind: 'websocket', listener: 'tcp', proxied: false, address: '192.0.2.7' };
const PROXIED: Transport = { ...TCP, proxied: true };
const UNIX: Transport = { ...TCP, listener: 'unix', address: undefined };

const scopes = (control: string[], more: Partial<Scopes> = {}): Scopes => ({
  read: [],
  control,
  metrics: false,
  ...more,
});
const PROXY = { userHeader: 'X-Forwarded-User', groupsHeader: 'X-Forwarded-Groups', groups: { ops: scopes(['*']) } };

function open(settings: AccessSettings) {
  const clock = new FakeClock();
  const policy = new AccessPolicy(settings, clock);
  const changes: AccessChange[] = [];
  policy.changes$.subscribe((change) => changes.push(change));
  const ask = (transport: Transport, credentials: Credentials = {}): Answer<Principal> => {
    const answer = policy.authenticate(credentials, transport);
    if (answer instanceof Promise) throw new Error('not known at once');
    return answer;
  };
  const who = (transport: Transport, credentials: Credentials = {}): string => {
    const answer = ask(transport, credentials);
    return answer.ok ? answer.result.name : answer.error.reason;
  };
  return { policy, clock, changes, ask, who };
}

const user = (name: string, groups: string): Credentials => ({
  headers: ['Host', 'gw', 'X-Forwarded-User', name, 'x-forwarded-groups', groups],
});

describe('without credentials', () => {
  it('everybody is anonymous where nothing is configured, and local on a unix listener', () => {
    const { who } = open({});
    expect([who(TCP), who(TCP, { token: 'x' }), who(UNIX)]).toEqual(['anonymous', 'anonymous', 'local']);
  });

  it('nobody is known where something is configured, but on a unix listener that no proxy uses', () => {
    const { who } = open({ tokens: [] });
    expect([who(TCP), who(PROXIED), who(UNIX)]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED', 'local']);
    expect(who({ ...UNIX, proxied: true })).toBe('UNAUTHENTICATED');
  });

  it('who was anonymous is revoked when credentials are configured; who is local is not', () => {
    const { policy, ask, changes } = open({});
    const [anonymous] = [ask(TCP), ask(UNIX)].map((each) => each.ok && each.result);
    policy.replace({ tokens: [] });
    expect(changes).toEqual([{ kind: 'revoked', principal: anonymous }]);
  });
});

describe('a token', () => {
  it('counts before anything else, on every listener', () => {
    const { token, sha256 } = newToken();
    const { who } = open({ tokens: [{ name: 'ci', sha256, ...scopes(['ci-*']) }], proxy: PROXY });
    for (const transport of [TCP, PROXIED, UNIX]) {
      expect(who(transport, { ...user('ann', 'ops'), token })).toBe('ci');
      expect(who(transport, { ...user('ann', 'ops'), token: 'wrong' })).toBe('UNAUTHENTICATED');
    }
  });
});

describe('a user named by a proxy', () => {
  it('has the scopes of all of its groups; the headers of others say nothing', () => {
    const groups = {
      ops: scopes(['vm-*']),
      dev: scopes(['ci-*'], { metrics: true }),
      '*': scopes([], { read: ['*'] }),
    };
    const { ask, who } = open({ proxy: { ...PROXY, groups } });
    const known = ask(PROXIED, user('ann@example', 'dev, ops,other'));
    expect(known).toMatchObject({ ok: true, result: { name: 'ann@example' } });
    expect(known.ok && known.result.grants.scopes).toEqual(['control:ci-*', 'control:vm-*', 'metrics', 'read:*']);
    expect([who(TCP, user('ann', 'ops')), who(UNIX, user('ann', 'ops'))]).toEqual(['UNAUTHENTICATED', 'local']);
  });

  it.each([
    ['given twice', ['X-Forwarded-User', 'ann', 'X-FORWARDED-USER', 'root']],
    ['spelt with _', ['X_Forwarded_User', 'root', 'X-Forwarded-User', 'ann']],
    ['spelt with _ alone', ['X-Forwarded_User', 'root']],
    ['with groups given twice', [...(user('ann', 'ops').headers ?? []), 'X-Forwarded-Groups', 'ops']],
    ['with groups spelt with _', [...(user('ann', 'ops').headers ?? []), 'X_Forwarded_Groups', 'ops']],
    ['with a space', ['X-Forwarded-User', 'ann root', 'X-Forwarded-Groups', 'ops']],
    ['of no group that is granted anything', ['X-Forwarded-User', 'ann', 'X-Forwarded-Groups', 'guests']],
    [
      'with more groups than there can be',
      ['X-Forwarded-User', 'ann', 'X-Forwarded-Groups', Array.from({ length: 300 }, (_, at) => `g${at}`).join(',')],
    ],
  ])('is refused for good %s', (_what, headers) => {
    const { who } = open({ proxy: { ...PROXY, groups: { ops: scopes(['*']) } } });
    expect(who(PROXIED, { headers })).toBe('FORBIDDEN');
  });

  it('lives at most an hour, and is one principal for those who come together', () => {
    const { ask, clock } = open({ proxy: PROXY });
    const first = ask(PROXIED, user('ann', 'ops'));
    const again = ask(PROXIED, user('ann', 'ops'));
    expect(first.ok && again.ok && first.result === again.result).toBe(true);
    const left = first.ok && first.result.expiresAt !== null ? first.result.expiresAt - clock.date() : 0;
    expect(left).toBeGreaterThan(3_000_000 - 1);
    expect(left).toBeLessThanOrEqual(3_600_000);
  });

  it('is narrowed, widened and revoked at once by other groups', () => {
    const { policy, ask, changes } = open({ proxy: PROXY });
    const ann = ask(PROXIED, user('ann', 'ops'));
    if (!ann.ok) throw new Error('refused');
    policy.replace({ proxy: { ...PROXY, groups: { ops: scopes([], { read: ['a'] }) } } });
    expect(changes).toEqual([{ kind: 'grants', principal: ann.result }]);
    expect(ann.result.grants.scopes).toEqual(['read:a']);
    policy.replace({ proxy: { ...PROXY, groups: {} } });
    expect(changes[1]).toEqual({ kind: 'revoked', principal: ann.result });
    expect(ann.result.grants.sees('a')).toBe(false);
  });
});

it('anonymous clients see nothing any more when somebody is asked who they are, whatever they wait for', () => {
  const { policy, ask, changes } = open({});
  const before = ask(TCP);
  policy.replace({ tokens: [] });
  expect(changes).toEqual([{ kind: 'revoked', principal: before.ok && before.result }]);
  expect(before.ok && before.result.grants.sees('vm1')).toBe(false);
  policy.replace({});
  const after = ask(TCP);
  expect(after.ok && after.result.grants.sees('vm1')).toBe(true);
});

it('scopes that read the same in a list are not the same: a glob may have a comma', () => {
  const token = newToken();
  const entry = { name: 'ann', sha256: token.sha256, control: [], metrics: false };
  const { policy, ask, changes } = open({ tokens: [{ ...entry, read: ['a,read:b'] }] });
  const ann = ask(TCP, { token: token.token });
  policy.replace({ tokens: [{ ...entry, read: ['a', 'b'] }] });
  expect(changes).toHaveLength(1);
  expect(ann.ok && ann.result.grants.sees('b')).toBe(true);
});

it('any number of clients that were known before hides none that is connected', () => {
  const certificates = [{ subject: '*', ...scopes(['*']) }];
  const { policy, ask, changes } = open({ certificates });
  const first = ask(TCP, { certificate: { subject: 'CN=first', expiresAt: 9e15, fingerprint: 'CN=first' } });
  const others = Array.from({ length: 40_000 }, (_, n) =>
    ask(TCP, { certificate: { subject: `CN=${n}`, expiresAt: 9e15, fingerprint: `CN=${n}` } }),
  );
  policy.replace({ certificates: [] });
  expect(first.ok && changes.some(({ principal }) => principal === first.result)).toBe(true);
  expect(changes).toHaveLength(others.length + 1);
});

describe('a certificate', () => {
  const certificate = (subject: string) => ({ certificate: { subject, expiresAt: 9e15, fingerprint: subject } });
  const entries = [
    { subject: 'CN=backup,*', name: 'backup', ...scopes(['vm-*']) },
    { subject: 'CN=*,O=Example', ...scopes([], { read: ['*'] }) },
  ];

  it('is the principal of the first entry that its whole subject matches', () => {
    const { who } = open({ certificates: entries });
    expect(who(TCP, certificate('CN=backup,O=Example'))).toBe('backup');
    expect(who(TCP, certificate('CN=wall,O=Example'))).toBe('CN=wall,O=Example');
    for (const subject of ['CN=wall,O=Example,OU=x', 'O=Example', 'CN=backup'])
      expect(who(TCP, certificate(subject)), subject).toBe('UNAUTHENTICATED');
  });

  it('with a comma in a value has no attribute more than it has', () => {
    const { who } = open({
      certificates: [...entries, { subject: 'CN=Smith\\, J*,O=Example', name: 'smith', ...scopes([]) }],
    });
    for (const subject of ['CN=mallory\\,O=Example', 'CN=mallory\\\\\\,O=Example', 'CN=backup\\,O=Example'])
      expect(who(TCP, certificate(subject)), subject).toBe('UNAUTHENTICATED');
    expect(who(TCP, certificate('CN=mallory\\\\,O=Example'))).toBe('CN=mallory\\\\,O=Example');
    expect(
      open({ certificates: [{ subject: 'CN=Smith\\, J*,O=Example', name: 'smith', ...scopes([]) }] }).who(
        TCP,
        certificate('CN=Smith\\, John,O=Example'),
      ),
    ).toBe('smith');
  });

  it('is as none when it has ended, or its authority is not trusted any more, or it is that of a proxy', async () => {
    const { policy, clock, who, ask, changes } = open({ certificates: entries });
    const ending = {
      certificate: { subject: 'CN=backup,O=Example', expiresAt: clock.date() + 1_000, fingerprint: 'a' },
    };
    const known = ask(TCP, ending);
    expect(who(PROXIED, ending)).toBe('UNAUTHENTICATED');
    await clock.advance(1_000);
    expect(who(TCP, ending)).toBe('UNAUTHENTICATED');
    expect(who(TCP, certificate('CN=backup,O=Example'))).toBe('backup');
    policy.distrust([ending.certificate]);
    expect(changes).toEqual([{ kind: 'revoked', principal: known.ok && known.result }]);
  });

  it('follows a change of the entries at once, and its connections end with it', () => {
    const { policy, ask, changes } = open({ certificates: entries });
    const [backup, wall] = ['CN=backup,O=Example', 'CN=wall,O=Example'].map((each) => {
      const known = ask(TCP, certificate(each));
      if (!known.ok) throw new Error('refused');
      return known.result;
    });
    expect(backup?.expiresAt).toBe(9e15);
    policy.replace({
      certificates: [{ subject: 'CN=backup,*', name: 'backup', ...scopes(['vm-1']) }],
    });
    expect(changes).toEqual([
      { kind: 'grants', principal: backup },
      { kind: 'revoked', principal: wall },
    ]);
  });
});
