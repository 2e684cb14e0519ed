// The principals that a policy has made from what clients presented, so that a change of its settings reaches those that are connected.
import { Subject } from 'rxjs';
import type { Clock } from '../clock.js';
import type { AccessChange, Grants, Principal } from './access.js';
import { NOBODY } from './none.js';
import { areSame } from './scopes.js';

export interface IssuedPrincipal<Facts> extends Principal {
  grants: Grants;
  /** What the grants were made from. */
  readonly facts: Facts;
}

export class IssuedPrincipals<Facts> {
  /** Those that a connection or a request still has: only they are to be reached, and a client may have any number one after the other. */
  readonly #issued = new Map<string, WeakRef<IssuedPrincipal<Facts>>>();
  readonly #unused = new FinalizationRegistry<string>((key) => {
    if (!this.#issued.get(key)?.deref()) this.#issued.delete(key);
  });
  readonly #changes$ = new Subject<AccessChange>();
  readonly changes$ = this.#changes$.asObservable();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param key equal for what is one principal. */
  find(key: string): IssuedPrincipal<Facts> | undefined {
    const found = this.#issued.get(key)?.deref();
    return found && !this.#hasEnded(found) ? found : undefined;
  }

  issue(key: string, principal: IssuedPrincipal<Facts>): IssuedPrincipal<Facts> {
    this.#issued.set(key, new WeakRef(principal));
    this.#unused.register(principal, key);
    return principal;
  }

  get all(): readonly IssuedPrincipal<Facts>[] {
    return [...this.#issued.values()].flatMap((principal) => principal.deref() ?? []);
  }

  /** The settings have changed. @param grantsOf `undefined`: it is not admitted any more. */
  review(grantsOf: (principal: IssuedPrincipal<Facts>) => Grants | undefined): void {
    for (const [key, reference] of [...this.#issued]) {
      const principal = reference.deref();
      if (!principal) continue;
      const grants = grantsOf(principal);
      if (grants && areSame(grants, principal.grants)) continue;
      principal.grants = grants ?? NOBODY.grants;
      if (!grants) this.#issued.delete(key);
      this.#changes$.next({ kind: grants ? 'grants' : 'revoked', principal });
    }
  }

  #hasEnded({ expiresAt }: Principal): boolean {
    return expiresAt !== null && expiresAt <= this.#clock.date();
  }
}
