// An access policy that the test changes while clients are connected.
import { Subject } from 'rxjs';
import {
  type Access,
  type AccessChange,
  ALL_GRANTS,
  type Credentials,
  type Grants,
  type Principal,
} from '../../src/access/index.js';
import { type Answer, refuse } from '../../src/protocol/answer.js';
import type { JobVerb } from '../../src/protocol/types.js';

/** Sees one source, or one job of it, and may use these verbs there. */
export function grantsOf(source: string, verbs: readonly JobVerb[], job?: string): Grants {
  return {
    id: JSON.stringify([source, verbs, job]),
    scopes: [source],
    metrics: false,
    sees: (name, id) => name === source && (job === undefined || id === undefined || id === job),
    may: (verb) => verbs.includes(verb),
  };
}

/** A principal that may do everything. */
export const me: Principal = { name: 'me', grants: ALL_GRANTS, expiresAt: null };

/** A client's token is the name of its principal; without one it is `nobody`. */
export class TestPolicy implements Access {
  readonly #changes$ = new Subject<AccessChange>();
  readonly changes$ = this.#changes$.asObservable();
  readonly #principals = new Map<string, { name: string; grants: Grants; expiresAt: number | null }>();

  /** How often somebody was known. */
  asked = 0;

  /** @param expires milliseconds since 1970 at which the tokens of some end; they are accepted after it too. */
  constructor(grants: Readonly<Record<string, Grants>>, expires: Readonly<Record<string, number>> = {}) {
    for (const [name, each] of Object.entries(grants))
      this.#principals.set(name, { name, grants: each, expiresAt: expires[name] ?? null });
  }

  principal(name: string): Principal {
    const principal = this.#principals.get(name);
    if (!principal) throw new Error(`no principal ${name}`);
    return principal;
  }

  authenticate = ({ token = 'nobody' }: Credentials): Answer<Principal> => {
    const principal = this.#principals.get(token);
    if (principal) this.asked += 1;
    return principal ? { ok: true, result: principal } : refuse('UNAUTHENTICATED', 'no such token');
  };

  grant(name: string, grants: Grants): void {
    const principal = this.#principals.get(name);
    if (!principal) throw new Error(`no principal ${name}`);
    principal.grants = grants;
    this.#changes$.next({ kind: 'grants', principal });
  }

  revoke(name: string): void {
    const principal = this.principal(name);
    this.#principals.delete(name);
    this.#changes$.next({ kind: 'revoked', principal });
  }
}
