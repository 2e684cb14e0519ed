// The policy of a gateway without authentication: everybody is `anonymous`, sees everything and may do everything.
import { NEVER } from 'rxjs';
import type { Access, Grants, Principal } from './access.js';

export const ALL_GRANTS: Grants = { id: '', scopes: ['*'], sees: () => true, may: () => true };

const ANONYMOUS: Principal = { name: 'anonymous', grants: ALL_GRANTS };

/** A token is as good as none. */
export const NO_ACCESS_POLICY: Access = {
  authenticate: () => ({ ok: true, result: ANONYMOUS }),
  changes$: NEVER,
};
