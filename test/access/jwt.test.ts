// JSON Web Tokens: which are accepted, whose keys, and what happens while the issuer is down.
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportJWK, exportSPKI, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  type AccessChange,
  AccessPolicy,
  type JwtSettings,
  type Principal,
  parseKey,
  type Transport,
} from '../../src/access/index.js';
import { JwtPolicy } from '../../src/access/jwt.js';
import type { Answer } from '../../src/protocol/answer.js';
import { FakeClock } from '../support/fake-clock.js';

const TCP: Transport = { kind: 'websocket', listener: 'tcp', proxied: false, address: '192.0.2.7' };
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const [OURS, NEXT, THEIRS] = [pair(), pair(), pair()];
const SPKI = await exportSPKI(OURS.publicKey as never);
const SETTINGS: JwtSettings = {
  keys: { text: SPKI },
  issuer: 'https://issuer.example',
  audience: 'qmp-gateway',
  algorithms: ['RS256', 'ES256'],
  claim: 'qmp',
};

/** What a token of the issuer has, with changes; `undefined` removes a claim. */
async function tokenOf(
  clock: FakeClock,
  changes: JWTPayload = {},
  { key = OURS.privateKey, header = {} }: { key?: KeyObject; header?: object } = {},
): Promise<string> {
  const now = Math.floor(clock.date() / 1_000);
  const claims = {
    ...{ iss: SETTINGS.issuer, aud: SETTINGS.audience, sub: 'ann', exp: now + 600, qmp: { control: ['vm-*'] } },
    ...changes,
  };
  const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  return new SignJWT(given).setProtectedHeader({ alg: 'ES256', ...header }).sign(key as never);
}

function open(settings: JwtSettings = SETTINGS, fetch: (url: string) => Promise<Response> = () => Promise.reject()) {
  const clock = new FakeClock();
  /** What is said of the issuer's keys. */
  const said: (string | undefined)[] = [];
  const policy = new AccessPolicy({ jwt: settings }, clock, { fetch, changed: (problem) => said.push(problem) });
  const changes: AccessChange[] = [];
  policy.changes$.subscribe((change) => changes.push(change));
  /** Timers that come due are run while it waits. */
  const ask = async (token: string): Promise<Answer<Principal>> => {
    let answer: Answer<Principal> | undefined;
    void Promise.resolve(policy.authenticate({ token }, TCP)).then((value) => {
      answer = value;
    });
    for (;;) {
      if (answer) return answer;
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(1);
    }
  };
  const why = async (token: string): Promise<string> => {
    const answer = await ask(token);
    return answer.ok ? answer.result.name : answer.error.message;
  };
  return { policy, clock, changes, ask, why, said, fetch };
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token', () => {
  it('of the issuer for this gateway is the principal of its claims', async () => {
    const { clock, ask } = open();
    const answer = await ask(await tokenOf(clock, { qmp: { read: ['*'], control: ['vm-*'], metrics: true } }));
    expect(answer).toMatchObject({ ok: true, result: { name: 'ann' } });
    expect(answer.ok && answer.result.grants.scopes).toEqual(['control:vm-*', 'metrics', 'read:*']);
    const left = answer.ok && answer.result.expiresAt !== null ? answer.result.expiresAt - clock.date() : 0;
    expect(Math.round(left / 1_000)).toBeGreaterThanOrEqual(629);
  });

  it.each<[string, JWTPayload, string]>([
    ['that has expired', { exp: 1 }, 'the token has expired'],
    ['without an end', { exp: undefined as never }, 'the claim exp is missing'],
    ['of another issuer', { iss: 'https://evil.example' }, 'the claim iss is missing or not accepted'],
    ['without an issuer', { iss: undefined as never }, 'the claim iss'],
    ['for another audience', { aud: 'another' }, 'the claim aud is missing or not accepted'],
    ['without an audience', { aud: undefined as never }, 'the claim aud'],
    ['that is not valid yet', { nbf: 9_999_999_999 }, 'the claim nbf'],
    ['of nobody', { sub: undefined as never }, 'the claim sub'],
    ['of a name with a line break', { sub: 'ann\nroot' }, 'the claim sub'],
    ['without scopes', { qmp: undefined }, 'the claim qmp'],
    ['with a misspelt scope', { qmp: { reed: ['*'] } }, 'the claim qmp'],
    ['with scopes that are no lists', { qmp: { read: '*' } }, 'the claim qmp'],
  ])('%s is refused', async (_what, claims, message) => {
    const { clock, why } = open();
    expect(await why(await tokenOf(clock, claims))).toContain(message);
  });

  it('within 30 s of its end is accepted: clocks differ', async () => {
    const { clock, why } = open();
    const now = Math.floor(clock.date() / 1_000);
    expect(await why(await tokenOf(clock, { exp: now - 20 }))).toBe('ann');
    expect(await why(await tokenOf(clock, { exp: now - 40 }))).toBe('the token has expired');
  });

  it('of an end beyond all dates is accepted, and ends at the last one', async () => {
    const { clock, ask } = open();
    expect(await ask(await tokenOf(clock, { exp: Number.MAX_SAFE_INTEGER }))).toMatchObject({
      result: { expiresAt: 8.64e15 },
    });
  });

  it('that another key has signed, that nobody has signed, or that takes the public key for a secret is refused', async () => {
    const { clock, why } = open();
    const good = await tokenOf(clock);
    const [head = '', body = '', signature = ''] = good.split('.');
    expect(await why(await tokenOf(clock, {}, { key: THEIRS.privateKey }))).toBe('the signature of the token is wrong');
    expect(await why(`${part({ alg: 'none' })}.${body}.`)).toMatch(/not accepted|cannot be verified/);
    expect(await why(`${head}.${body}.`)).toMatch(/wrong|cannot/);
    const hs = `${part({ alg: 'HS256' })}.${body}`;
    const mac = createHmac('sha256', SPKI).update(hs).digest('base64url');
    expect(await why(`${hs}.${mac}`)).toBe('the algorithm of the token is not accepted');
    const wide = part({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), qmp: { control: ['*'] } });
    expect(await why(`${head}.${wide}.${signature}`)).toBe('the signature of the token is wrong');
    const critical = await tokenOf(clock, {}, { header: { crit: ['b64'], b64: true } });
    expect(await why(critical)).not.toBe('root');
  });

  it('is refused or narrowed at once when the settings change, for who is connected too', async () => {
    const { policy, clock, ask, changes } = open();
    const known = await ask(await tokenOf(clock));
    policy.replace({
      jwt: { ...SETTINGS, keys: { text: await exportSPKI(NEXT.publicKey as never) } },
    });
    while (changes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(changes).toEqual([{ kind: 'revoked', principal: known.ok && known.result }]);
  });
});

describe('the keys of an issuer', () => {
  const jwks = async (...keys: [string, KeyObject][]): Promise<object> => ({
    keys: await Promise.all(
      keys.map(async ([kid, key]) => ({ ...(await exportJWK(key as never)), kid, alg: 'ES256' })),
    ),
  });

  const URL_SETTINGS = { ...SETTINGS, keys: { url: 'https://issuer.example/jwks' } };

  function issuerOf() {
    const state = { keys: {} as object, isUp: true, fetched: 0, gate: undefined as Promise<void> | undefined };
    const opened = open(URL_SETTINGS, async (url) => {
      state.fetched += 1;
      if (url.endsWith('/other')) await state.gate;
      if (!state.isUp) throw new Error('down');
      return new Response(JSON.stringify(state.keys));
    });
    const signed = (kid: string, key: KeyObject, claims: JWTPayload = {}): Promise<string> =>
      tokenOf(
        opened.clock,
        { exp: Math.floor(opened.clock.date() / 1_000) + 600, ...claims },
        { key, header: { kid } },
      );
    /** The same clock and issuer, without what is around it. Timers that come due are run until the change is made. */
    const jwt = new JwtPolicy(URL_SETTINGS, opened.clock, { fetch: opened.fetch });
    const done = async <T>(work: Promise<T>): Promise<T> => {
      let isDone = false;
      void work.finally(() => (isDone = true)).catch(() => undefined);
      while (!isDone) {
        await new Promise((resolve) => setImmediate(resolve));
        await opened.clock.advance(10);
      }
      return work;
    };
    const admit = async (token: string): Promise<Principal> => {
      const answer = await done(jwt.authenticate(token));
      if (!answer.ok) throw new Error(answer.error.message);
      return answer.result;
    };
    const changes: AccessChange[] = [];
    jwt.changes$.subscribe((change) => changes.push(change));
    return { ...opened, state, signed, jwt, done, admit, changes };
  }

  it('are fetched once for all who wait, and again for a key that has just come', async () => {
    const { state, ask, why, signed } = issuerOf();
    state.keys = await jwks(['1', OURS.publicKey]);
    const first = await signed('1', OURS.privateKey);
    await Promise.all([ask(first), ask(first), ask(first)]);
    expect(state.fetched).toBe(1);
    state.keys = await jwks(['1', OURS.publicKey], ['2', NEXT.publicKey]);
    expect(await why(await signed('2', NEXT.privateKey))).toBe('ann');
    expect(state.fetched).toBe(2);
  });

  it('are fetched at most once a second for tokens of keys that there are not', async () => {
    const { state, clock, why, signed } = issuerOf();
    state.keys = await jwks(['1', OURS.publicKey]);
    await why(await signed('1', OURS.privateKey));
    const from = clock.now();
    for (const kid of ['a', 'b', 'c'])
      expect(await why(await signed(kid, THEIRS.privateKey))).toBe('the issuer has no such key');
    expect(state.fetched).toBe(4);
    expect(clock.now() - from).toBeGreaterThanOrEqual(2_000);
  });

  it('of settings that are not in force any more admit nobody, however long they were waited for', async () => {
    const { state, jwt, done, signed } = issuerOf();
    state.keys = await jwks(['1', OURS.publicKey]);
    const waiting = jwt.authenticate(await signed('1', OURS.privateKey));
    await jwt.replace(undefined);
    expect(await done(waiting)).toMatchObject({ ok: false, error: { message: 'no JWT is accepted' } });
  });

  it('that are slow to come do not bring back what a later change has taken', async () => {
    const { state, jwt, done, admit, signed } = issuerOf();
    state.keys = await jwks(['1', OURS.publicKey]);
    const ann = await admit(await signed('1', OURS.privateKey, { low: { read: ['vm-1'] } }));
    let bring = (): void => undefined;
    state.gate = new Promise<void>((resolve) => (bring = resolve));
    const slow = jwt.replace({ ...URL_SETTINGS, keys: { url: 'https://issuer.example/other' } });
    const narrow = jwt.replace({ ...URL_SETTINGS, claim: 'low' });
    await done(narrow);
    bring();
    await done(slow);
    expect(ann.grants.scopes).toEqual(['read:vm-1']);
  });

  it('that cannot be fetched at a change of the settings end nobody of the same issuer; when they come it is decided', async () => {
    const { state, jwt, clock, done, admit, signed, changes } = issuerOf();
    state.keys = await jwks(['1', OURS.publicKey]);
    const exp = Math.floor(clock.date() / 1_000) + 7 * 86_400;
    const ann = await admit(await signed('1', OURS.privateKey, { low: { read: ['vm-1'] }, exp }));
    await clock.advance(25 * 3_600_000);
    state.isUp = false;
    await done(jwt.replace(URL_SETTINGS));
    expect([changes, jwt.problem]).toEqual([[], 'down']);
    // What the new settings read from it counts.
    await done(jwt.replace({ ...URL_SETTINGS, claim: 'low' }));
    expect(ann.grants.scopes).toEqual(['read:vm-1']);
    // Nobody asks, and yet the keys are fetched again; these have not signed it.
    state.keys = await jwks(['1', THEIRS.publicKey]);
    state.isUp = true;
    const revoked = new Promise<AccessChange>((resolve) =>
      jwt.changes$.subscribe((change) => change.kind === 'revoked' && resolve(change)),
    );
    expect(await done(revoked)).toEqual({ kind: 'revoked', principal: ann });
    expect(jwt.problem).toBeUndefined();
  });

  it('of another issuer that cannot be fetched keep nobody, and no problem stays when no JWT is taken any more', async () => {
    const { state, jwt, done, admit, signed, changes } = issuerOf();
    state.keys = await jwks(['1', OURS.publicKey]);
    await admit(await signed('1', OURS.privateKey));
    state.isUp = false;
    const other = { ...URL_SETTINGS, keys: { url: 'https://other.example/jwks' }, issuer: 'https://other.example' };
    await done(jwt.replace(other));
    expect(changes).toMatchObject([{ kind: 'revoked' }]);
    expect(jwt.problem).toBe('down');
    await jwt.replace(undefined);
    expect(jwt.problem).toBeUndefined();
  });

  it('serve on for a day while the issuer is down, which is said, and no longer', async () => {
    const { state, policy, clock, why, signed, said } = issuerOf();
    state.keys = await jwks(['1', OURS.publicKey]);
    expect(await why(await signed('1', OURS.privateKey))).toBe('ann');
    state.isUp = false;
    await clock.advance(23 * 3_600_000);
    expect(await why(await signed('1', OURS.privateKey))).toBe('ann');
    while (policy.problem === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(1);
    }
    expect(policy.problem).toBe('down');
    await clock.advance(2 * 3_600_000);
    expect(await why(await signed('1', OURS.privateKey))).toBe('the keys of the issuer cannot be fetched now');
    state.isUp = true;
    await clock.advance(2_000);
    expect(await why(await signed('1', OURS.privateKey))).toBe('ann');
    expect(policy.problem).toBeUndefined();
    expect(said).toEqual(['down', undefined]);
  });
});

it.each([
  ['a private key', () => OURS.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
  ['a private JWK', () => JSON.stringify(OURS.privateKey.export({ format: 'jwk' }))],
  ['a shared secret', () => JSON.stringify({ kty: 'oct', k: 'c2VjcmV0' })],
  ['something else', () => 'hello'],
])('%s is no key of an issuer', (_what, text) => {
  expect(() => parseKey(text())).toThrow();
});
