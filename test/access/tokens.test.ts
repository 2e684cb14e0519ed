// Static tokens: what the file may say, who a token is, and what a change of the file does to who is connected.
import { describe, expect, it } from 'vitest';
import { type AccessChange, compileScopes, newToken, TOKENS, type TokenEntry } from '../../src/access/index.js';
import { TokenPolicy } from '../../src/access/tokens.js';
import { CLOCK } from '../../src/clock.js';

const NOW = Date.parse('2026-06-01T00:00:00Z');

function entryOf(name: string, more: Partial<TokenEntry> = {}): { token: string; entry: TokenEntry } {
  const { token, sha256 } = newToken();
  return { token, entry: { name, sha256, read: [], control: [], metrics: false, ...more } };
}

function open(...entries: TokenEntry[]) {
  let now = NOW;
  const policy = new TokenPolicy(entries, { ...CLOCK, date: () => now });
  const changes: AccessChange[] = [];
  policy.changes$.subscribe({ next: (change) => changes.push(change) });
  const ask = (token?: string) => policy.authenticate({ token });
  const pass = (ms: number): void => {
    now += ms;
  };
  return { policy, changes, ask, pass };
}

describe('the file', () => {
  const sha256 = 'a'.repeat(64);

  it('lists tokens by their digests', () => {
    const parsed = TOKENS.parse([{ name: 'ops', sha256, control: ['vm-*'], expires: '2027-01-31' }]);
    expect(parsed).toEqual([
      { name: 'ops', sha256, read: [], control: ['vm-*'], metrics: false, expires: '2027-01-31' },
    ]);
  });

  it.each<[string, unknown, string[]]>([
    ['no list', { name: 'x' }, ['']],
    ['a name with a space', [{ name: 'a b', sha256 }], ['0.name']],
    ['the token itself', [{ name: 'a', sha256: 'qmpgw_x' }], ['0.sha256']],
    ['a date that is none', [{ name: 'a', sha256, expires: 'soon' }], ['0.expires']],
    ['a day that no month has', [{ name: 'a', sha256, expires: '2027-02-30' }], ['0.expires']],
    ['an unknown member, and another problem', [{ name: 'a', sha256, reed: ['x'] }, { name: 'b' }], ['0', '1.sha256']],
    [
      'one token twice',
      [
        { name: 'a', sha256 },
        { name: 'b', sha256 },
      ],
      ['1.sha256'],
    ],
  ])('with %s is refused, each problem with its place', (_, value, places) => {
    const parsed = TOKENS.safeParse(value);
    expect(parsed.error?.issues.map(({ path }) => path.join('.'))).toEqual(places);
  });
});

describe('scopes', () => {
  const scopes = (read: string[], control: string[] = []) => compileScopes({ read, control, metrics: false });

  it('are globs of whole names; control implies read', () => {
    const { sees, may } = scopes(['vm-?'], ['ci-*']);
    expect(['vm-1', 'vm-12', 'xvm-1', 'ci-', 'ci-x'].map((name) => sees(name))).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(['vm-1', 'ci-x'].map((name) => may('abort', name, 'j'))).toEqual([false, true]);
  });

  it('grant nothing where there are none', () => {
    const { sees, may } = scopes([]);
    expect([sees('vm1'), may('pause', 'vm1', 'j')]).toEqual([false, false]);
  });

  it('that are equal in another order are the same grants, others are not', () => {
    expect(scopes(['a', 'b'], ['c']).id).toBe(scopes(['b', 'a'], ['c', 'c']).id);
    const others = [scopes(['a']), scopes([], ['a']), scopes(['a', 'b']), scopes(['a,read:b']), scopes([])];
    expect(new Set(others.map(({ id }) => id)).size).toBe(others.length);
  });
});

describe('a token', () => {
  it('is its principal, and any other is nobody', () => {
    const { token, entry } = entryOf('ops', { control: ['*'] });
    const { ask } = open(entry, entryOf('other').entry);
    expect(ask(token)).toMatchObject({ ok: true, result: { name: 'ops', grants: { scopes: ['control:*'] } } });
    for (const wrong of [undefined, '', `${token}x`, token.slice(1), entry.sha256])
      expect(ask(wrong)).toMatchObject({ ok: false, error: { reason: 'UNAUTHENTICATED' } });
  });

  it('is refused from its end on', () => {
    const { token, entry } = entryOf('ops', { expires: '2026-06-01T00:00:10Z' });
    const { ask, pass } = open(entry);
    pass(9_999);
    expect(ask(token)).toMatchObject({ ok: true, result: { expiresAt: NOW + 10_000 } });
    pass(1);
    expect(ask(token)).toMatchObject({
      ok: false,
      error: { reason: 'UNAUTHENTICATED', message: 'the token has expired' },
    });
  });

  it('may have the name of another while it is replaced', () => {
    const [old, next] = [entryOf('ops'), entryOf('ops')];
    const { ask } = open(old.entry, next.entry);
    expect([ask(old.token), ask(next.token)]).toMatchObject([{ result: { name: 'ops' } }, { result: { name: 'ops' } }]);
  });
});

describe('a file that is read again', () => {
  it('gives a principal other grants, or another end, in place', () => {
    const { token, entry } = entryOf('ops', { read: ['a'] });
    const { policy, changes, ask } = open(entry);
    const before = ask(token);
    policy.replace([entry]);
    expect(changes).toEqual([]);
    policy.replace([{ ...entry, read: ['b'] }]);
    policy.replace([{ ...entry, read: ['b'], expires: '2027-01-01' }]);
    expect(changes.map(({ kind }) => kind)).toEqual(['grants', 'grants']);
    const principal = before.ok ? before.result : undefined;
    expect(changes.map((change) => change.principal)).toEqual([principal, principal]);
    expect([principal?.grants.sees('a'), principal?.grants.sees('b')]).toEqual([false, true]);
    expect(principal?.expiresAt).toBe(Date.parse('2027-01-01'));
  });

  it('revokes what is not in it any more', () => {
    const [gone, stays] = [entryOf('gone'), entryOf('stays')];
    const { policy, changes, ask } = open(gone.entry, stays.entry);
    policy.replace([stays.entry, entryOf('new').entry]);
    expect(changes.map(({ kind, principal }) => [kind, principal.name])).toEqual([['revoked', 'gone']]);
    expect(ask(gone.token).ok).toBe(false);
    expect(ask(stays.token).ok).toBe(true);
  });
});
