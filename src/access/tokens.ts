// Static tokens: a file says which token is whose, and what it grants. The file has digests alone, so who reads it can't use it.
import { createHash, timingSafeEqual } from 'node:crypto';
import { Subject } from 'rxjs';
import { z } from 'zod';
import { CLOCK, type Clock } from '../clock.js';
import { type Answer, refuse } from '../protocol/answer.js';
import { isDay } from '../protocol/time.js';
import type { Access, AccessChange, Credentials, Grants, Principal } from './access.js';
import { NOBODY } from './none.js';
import { areSame, compileScopes, SCOPES } from './scopes.js';

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

const ENTRY = SCOPES.extend({
  /** As `requestedBy` has it. */
  name: z.string().regex(/^[A-Za-z0-9._:@-]{1,128}$/, 'a name is 1 to 128 of A-Z a-z 0-9 . _ : @ -'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'the SHA-256 of the token, as 64 hexadecimal digits'),
  /** From its beginning on, in UTC, where it is a date. */
  expires: z
    .string()
    .refine(
      (text) => DATE.test(text) && !Number.isNaN(Date.parse(text)) && isDay(text),
      'a date as 2027-01-31, or a time as 2027-01-31T12:00:00Z',
    )
    .optional(),
});
/** A file of tokens: a YAML list. */
export const TOKENS = z
  .array(ENTRY)
  .max(10_000)
  .superRefine((entries, context) => {
    const seen = new Set<string>();
    for (const [at, { name, sha256 }] of entries.entries()) {
      if (seen.has(sha256))
        context.addIssue({ code: 'custom', path: [at, 'sha256'], message: `${name}: the same token stands twice` });
      seen.add(sha256);
    }
  });

export type TokenEntry = z.infer<typeof ENTRY>;

/** Of a token of 256 random bits no slower hash is needed: nobody can try them. */
export const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** A token and what the file is to have of it. `qmpgw_` lets a scanner of secrets find one that has leaked. */
export function newToken(clock: Clock = CLOCK): { token: string; sha256: string } {
  const token = `qmpgw_${clock.token(32)}`;
  return { token, sha256: digestOf(token) };
}

interface TokenPrincipal extends Principal {
  grants: Grants;
  expiresAt: number | null;
  /** Of its token, for the comparison. */
  digest: Buffer;
}

export class TokenPolicy implements Access {
  readonly #changes$ = new Subject<AccessChange>();
  readonly changes$ = this.#changes$.asObservable();
  readonly #clock: Clock;
  /** By the digest of the token: one principal each, also where two have one name (while a token is replaced). */
  readonly #principals = new Map<string, TokenPrincipal>();

  constructor(tokens: readonly TokenEntry[], clock: Clock = CLOCK) {
    this.#clock = clock;
    this.replace(tokens);
  }

  authenticate({ token }: Credentials): Answer<Principal> {
    if (token === undefined)
      return refuse('UNAUTHENTICATED', 'a token is needed: authenticate first, or Authorization: Bearer');
    const principal = this.#find(digestOf(token));
    if (!principal) return refuse('UNAUTHENTICATED', 'no such token');
    if (principal.expiresAt !== null && principal.expiresAt <= this.#clock.date())
      return refuse('UNAUTHENTICATED', 'the token has expired');
    return { ok: true, result: principal };
  }

  /** Another content of the file is in force at once, for who is connected too. */
  replace(tokens: readonly TokenEntry[]): void {
    const gone = new Map(this.#principals);
    for (const entry of tokens) {
      const { name, sha256, expires } = entry;
      const grants = compileScopes(entry);
      const expiresAt = expires === undefined ? null : Date.parse(expires);
      const known = gone.get(sha256);
      if (known?.name !== name) {
        this.#principals.set(sha256, { name, grants, expiresAt, digest: Buffer.from(sha256) });
        continue;
      }
      gone.delete(sha256);
      const isSame = areSame(known.grants, grants) && known.expiresAt === expiresAt;
      if (isSame) continue;
      known.grants = grants;
      known.expiresAt = expiresAt;
      this.#changes$.next({ kind: 'grants', principal: known });
    }
    for (const [sha256, principal] of gone) {
      if (this.#principals.get(sha256) === principal) this.#principals.delete(sha256);
      // What it still waits for is not answered.
      principal.grants = NOBODY.grants;
      this.#changes$.next({ kind: 'revoked', principal });
    }
  }

  /** Every digest is compared, in a time that does not depend on where they differ. */
  #find(digest: string): TokenPrincipal | undefined {
    const asked = Buffer.from(digest);
    let found: TokenPrincipal | undefined;
    for (const principal of this.#principals.values()) if (timingSafeEqual(asked, principal.digest)) found = principal;
    return found;
  }
}
