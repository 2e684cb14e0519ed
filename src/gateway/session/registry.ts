// The sessions of each principal, so that a change of the policy reaches all of them.
import type { AccessChange, Principal } from '../../access/index.js';

export interface PrincipalSession {
  /** The grants of its principal have changed. */
  regranted(): void;
  /** Its connection is to be closed. */
  revoked(): void;
}

export class SessionRegistry {
  readonly #sessions = new Map<Principal, Set<PrincipalSession>>();

  add(principal: Principal, session: PrincipalSession): void {
    const sessions = this.#sessions.get(principal) ?? new Set();
    this.#sessions.set(principal, sessions.add(session));
  }

  remove(principal: Principal, session: PrincipalSession): void {
    const sessions = this.#sessions.get(principal);
    if (sessions?.delete(session) && sessions.size === 0) this.#sessions.delete(principal);
  }

  apply({ kind, principal }: AccessChange): void {
    for (const session of [...(this.#sessions.get(principal) ?? [])])
      if (kind === 'grants') session.regranted();
      else session.revoked();
  }
}
