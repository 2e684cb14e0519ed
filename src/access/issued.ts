// The principals that a policy has made from what clients presented, so that a change of its settings reaches those that are connected.
import { Subject } from 'rxjs';
import type { Clock } from '../clock.js';
import type { AccessChange, Grants, Principal } from './access.js';
import { NOBODY } from './none.js';

export interface IssuedPrincipal<Facts> extends Principal {
  grants: Grants;
  /** What the grants were made from. */
  readonly facts: Facts;
}

/** Principals kept, more than a gateway has connections. Beyond it the oldest is not looked at again when the settings change. */
const MAX_ISSUED = 32_768;

export class IssuedPrincipals<Facts> {
  readonly #issued = new Map<string, IssuedPrincipal<Facts>>();
  readonly #changes$ = new Subject<AccessChange>();
  readonly changes$ = this.#changes$.asObservable();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param key equal for what is one principal. */
  find(key: string): IssuedPrincipal<Facts> | undefined {
    const found = this.#issued.get(key);
    return found && !this.#hasEnded(found) ? found : undefined;
  }

  issue(key: string, principal: IssuedPrincipal<Facts>): IssuedPrincipal<Facts> {
    this.#issued.delete(key);
    if (this.#issued.size >= MAX_ISSUED) this.#forget();
    this.#issued.set(key, principal);
    return principal;
  }

  get all(): readonly IssuedPrincipal<Facts>[] {
    return [...this.#issued.values()];
  }

  /** The settings have changed. @param grantsOf `undefined`: it is not admitted any more. */
  review(grantsOf: (principal: IssuedPrincipal<Facts>) => Grants | undefined): void {
    for (const [key, principal] of [...this.#issued]) {
      const grants = grantsOf(principal);
      if (grants && grants.scopes.join() === principal.grants.scopes.join()) continue;
      principal.grants = grants ?? NOBODY.grants;
      if (!grants) this.#issued.delete(key);
      this.#changes$.next({ kind: grants ? 'grants' : 'revoked', principal });
    }
  }

  #hasEnded({ expiresAt }: Principal): boolean {
    return expiresAt !== null && expiresAt <= this.#clock.date();
  }

  #forget(): void {
    for (const [key, principal] of this.#issued) if (this.#hasEnded(principal)) this.#issued.delete(key);
    const [oldest] = this.#issued.keys();
    if (oldest !== undefined && this.#issued.size >= MAX_ISSUED) this.#issued.delete(oldest);
  }
}
