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

describe('a certificate', () => {
  const certificate = (subject: string) => ({ certificate: { subject, expiresAt: 9e15 } });
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
