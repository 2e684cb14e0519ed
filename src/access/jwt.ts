// JSON Web Tokens (RFC 7519) of an issuer whom the operator trusts: who it is says the claim `sub`, and what it may do a claim of its own.
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { CLOCK, type Clock } from '../clock.js';
import { type Answer, refuse } from '../protocol/answer.js';
import type { Principal } from './access.js';
import { IssuedPrincipals } from './issued.js';
import { IssuerKeys, type IssuerKeysOptions, KeysUnavailable } from './issuer-keys.js';
import { compileScopes, SCOPES } from './scopes.js';

/** With public keys: who can verify a token can't make one. So no token is taken whose key is a shared secret, or that has no signature. */
export const JWT_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

export interface JwtSettings {
  /** A public key in PEM, a JWK or a JWKS; or the URL of a JWKS. */
  readonly keys: { readonly text: string } | { readonly url: string };
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Name of the claim that has `{read, control, metrics}`. */
  readonly claim: string;
}

/** Seconds by which the clocks of issuer and gateway may differ. */
const SKEW_S = 30;
/** The last millisecond that a Date can be (ECMA-262, 21.4.1.1). */
const LAST_MS = 8.64e15;

const NAME = /^[\x21-\x7e]{1,128}$/;

/** Whether it has the form of one: static tokens have no dots. */
export const isJwt = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);

/** @throws for a text that is no public key. */
export function parseKey(text: string): JWTVerifyGetKey {
  if (/PRIVATE KEY/.test(text)) throw new Error('this is a private key; the gateway needs the public one');
  if (!text.trimStart().startsWith('{')) {
    const key: KeyObject = createPublicKey(text);
    return () => Promise.resolve(key as never);
  }
  const given = JSON.parse(text) as JSONWebKeySet | JSONWebKeySet['keys'][number];
  const set = 'keys' in given ? (given as JSONWebKeySet) : { keys: [given as JSONWebKeySet['keys'][number]] };
  if (set.keys.some((key) => 'd' in key || 'k' in key))
    throw new Error('this has a secret; the gateway needs public keys');
  return createLocalJWKSet(set);
}

/** Settings with their keys. Another object after each change, so that who waited for keys sees that there was one. */
interface InForce {
  readonly settings: JwtSettings;
  readonly keys: JWTVerifyGetKey;
  /** Where the keys come from a URL. */
  readonly issuer: IssuerKeys | undefined;
}

export class JwtPolicy {
  readonly #issued: IssuedPrincipals<string>;
  readonly #clock: Clock;
  readonly #keysOptions: Partial<IssuerKeysOptions>;
  #inForce: InForce | undefined;
  /** Some who are connected were admitted without the keys that are in force, which could not be fetched. */
  #isUndecided = false;

  constructor(settings: JwtSettings | undefined, clock: Clock = CLOCK, keys: Partial<IssuerKeysOptions> = {}) {
    this.#clock = clock;
    const changed = (problem: string | undefined): void => {
      keys.changed?.(problem);
      if (problem === undefined && this.#isUndecided) void this.#review();
    };
    this.#keysOptions = { clock, ...keys, changed };
    this.#issued = new IssuedPrincipals(clock);
    this.#use(settings);
  }

  get changes$(): IssuedPrincipals<unknown>['changes$'] {
    return this.#issued.changes$;
  }

  /** Why the issuer's keys could not be fetched. */
  get problem(): string | undefined {
    return this.#inForce?.issuer?.problem;
  }

  async authenticate(token: string): Promise<Answer<Principal>> {
    const inForce = this.#inForce;
    const verified = await this.#verify(token, inForce);
    // It may have waited for the keys of settings that are not in force any more.
    if (inForce !== this.#inForce) return this.authenticate(token);
    if (!verified.ok) return verified;
    const key = createHash('sha256').update(token).digest('base64');
    return {
      ok: true,
      result: this.#issued.find(key) ?? this.#issued.issue(key, { ...verified.result, facts: token, proof: token }),
    };
  }

  /** The tokens of who is connected are verified again. */
  async replace(settings: JwtSettings | undefined): Promise<void> {
    this.#use(settings);
    await this.#review();
  }

  #use(settings: JwtSettings | undefined): void {
    const before = this.#inForce?.issuer;
    this.#inForce = settings && this.#withKeys(settings, before);
    if (before !== this.#inForce?.issuer) before?.close();
  }

  #withKeys(settings: JwtSettings, before: IssuerKeys | undefined): InForce {
    const { keys } = settings;
    if ('text' in keys) return { settings, keys: parseKey(keys.text), issuer: undefined };
    const issuer = before?.url === keys.url ? before : new IssuerKeys(keys.url, this.#keysOptions);
    return { settings, keys: issuer.resolve, issuer };
  }

  async #review(): Promise<void> {
    const inForce = this.#inForce;
    const all = this.#issued.all;
    const verified = new Map(
      await Promise.all(all.map(async (each) => [each, await this.#verify(each.facts, inForce)] as const)),
    );
    // The change that came meanwhile has its own review.
    if (inForce !== this.#inForce) return;
    this.#isUndecided = false;
    this.#issued.review((principal) => {
      const again = verified.get(principal);
      if (!again) return principal.grants;
      const known = again.ok || !again.isUndecided ? again : this.#readUnverified(principal.facts, inForce);
      this.#isUndecided ||= !again.ok && again.isUndecided;
      return known.ok && known.result.name === principal.name ? known.result.grants : undefined;
    });
  }

  async #verify(token: string, inForce: InForce | undefined): Promise<Verified> {
    if (!inForce) return { ...refuse('UNAUTHENTICATED', 'no JWT is accepted'), isUndecided: false };
    const { settings, keys } = inForce;
    const { issuer, audience, algorithms } = settings;
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: [...algorithms],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: SKEW_S,
        currentDate: new Date(this.#clock.date()),
      });
      const read = readClaims(payload, settings);
      return read.ok ? read : { ...read, isUndecided: false };
    } catch (error) {
      return { ...refuse('UNAUTHENTICATED', whyRefused(error)), isUndecided: error instanceof KeysUnavailable };
    }
  }

  /** Of a token that keys of this issuer have verified before: what it says counts until the keys can be fetched again, if the issuer is the same. */
  #readUnverified(token: string, inForce: InForce | undefined): Answer<Principal> {
    const payload = decodeJwt(token);
    const { alg = '' } = decodeProtectedHeader(token);
    const refused = refuse('UNAUTHENTICATED', 'it is of another issuer, or for another audience');
    if (!inForce) return refused;
    const { issuer, audience, algorithms } = inForce.settings;
    const isFor = payload.iss === issuer && [payload.aud].flat().includes(audience) && algorithms.includes(alg);
    return isFor ? readClaims(payload, inForce.settings) : refused;
  }
}

/** `isUndecided`: the keys could not be fetched, so it may be a good one. */
type Verified = { ok: true; result: Principal } | ({ isUndecided: boolean } & Exclude<Answer<Principal>, { ok: true }>);

function readClaims(payload: JWTPayload, { claim }: JwtSettings): Answer<Principal> {
  const { sub: name = '', exp = 0 } = payload;
  if (!NAME.test(name))
    return refuse('UNAUTHENTICATED', 'the claim sub has 1 to 128 printable characters without spaces');
  const scopes = SCOPES.safeParse(payload[claim]);
  if (!scopes.success) return refuse('UNAUTHENTICATED', `the claim ${claim} is not {read, control, metrics}`);
  const expiresAt = Math.min((exp + SKEW_S) * 1_000, LAST_MS);
  return { ok: true, result: { name, grants: compileScopes(scopes.data), expiresAt } };
}

/** Says which check failed, and nothing of the token. */
function whyRefused(error: unknown): string {
  if (error instanceof KeysUnavailable) return 'the keys of the issuer cannot be fetched now';
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `the claim ${error.claim} is missing or not accepted`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm of the token is not accepted';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no such key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is wrong';
  return 'the token cannot be verified';
}
