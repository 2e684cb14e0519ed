// JSON Web Tokens (RFC 7519) of an issuer whom the operator trusts: who it is says the claim `sub`, and what it may do a claim of its own.
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { CLOCK, type Clock } from '../clock.js';
import { type Answer, refuse } from '../protocol/answer.js';
import type { Principal } from './access.js';
import { IssuedPrincipals } from './issued.js';
import { IssuerKeys, type IssuerKeysOptions } from './issuer-keys.js';
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

export class JwtPolicy {
  readonly #issued: IssuedPrincipals<string>;
  readonly #clock: Clock;
  readonly #keysOptions: Partial<IssuerKeysOptions>;
  #settings: JwtSettings | undefined;
  #keys: JWTVerifyGetKey = () => Promise.reject(new errors.JOSEError('no keys'));
  #issuer: IssuerKeys | undefined;

  constructor(settings: JwtSettings | undefined, clock: Clock = CLOCK, keys: Partial<IssuerKeysOptions> = {}) {
    this.#clock = clock;
    this.#keysOptions = { clock, ...keys };
    this.#issued = new IssuedPrincipals(clock);
    this.#use(settings);
  }

  get changes$(): IssuedPrincipals<unknown>['changes$'] {
    return this.#issued.changes$;
  }

  /** Why the issuer's keys could not be fetched. */
  get problem(): string | undefined {
    return this.#issuer?.problem;
  }

  async authenticate(token: string): Promise<Answer<Principal>> {
    const verified = await this.#verify(token);
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
    const all = this.#issued.all;
    const verified = await Promise.all(all.map((principal) => this.#verify(principal.facts)));
    const grants = new Map(all.map((principal, at) => [principal, verified[at]]));
    this.#issued.review((principal) => {
      const again = grants.get(principal);
      if (!again) return principal.grants;
      return again.ok && again.result.name === principal.name ? again.result.grants : undefined;
    });
  }

  #use(settings: JwtSettings | undefined): void {
    this.#settings = settings;
    if (!settings) return;
    const { keys } = settings;
    if ('text' in keys) {
      this.#issuer = undefined;
      this.#keys = parseKey(keys.text);
    } else if (this.#issuer?.url !== keys.url) {
      this.#issuer = new IssuerKeys(keys.url, this.#keysOptions);
      this.#keys = this.#issuer.resolve;
    }
  }

  async #verify(token: string): Promise<Answer<Principal>> {
    if (!this.#settings) return refuse('UNAUTHENTICATED', 'no JWT is accepted');
    const { issuer, audience, algorithms, claim } = this.#settings;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience,
        algorithms: [...algorithms],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: SKEW_S,
        currentDate: new Date(this.#clock.date()),
      });
      const { sub: name = '', exp = 0 } = payload;
      if (!NAME.test(name))
        return refuse('UNAUTHENTICATED', 'the claim sub has 1 to 128 printable characters without spaces');
      const scopes = SCOPES.safeParse(payload[claim]);
      if (!scopes.success) return refuse('UNAUTHENTICATED', `the claim ${claim} is not {read, control, metrics}`);
      const expiresAt = Math.min((exp + SKEW_S) * 1_000, LAST_MS);
      return { ok: true, result: { name, grants: compileScopes(scopes.data), expiresAt } };
    } catch (error) {
      return refuse('UNAUTHENTICATED', whyRefused(error));
    }
  }
}

/** Says which check failed, and nothing of the token. */
function whyRefused(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `the claim ${error.claim} is missing or not accepted`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm of the token is not accepted';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no such key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is wrong';
  return 'the token cannot be verified';
}
