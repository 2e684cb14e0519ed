// The policy of a gateway without authentication: everybody is `anonymous`, sees everything and may do everything.
import { NEVER } from 'rxjs';
import type { Access, Grants, Principal } from './access.js';

export const ALL_GRANTS: Grants = { id: '', scopes: ['*'], metrics: true, sees: () => true, may: () => true };

const ANONYMOUS: Principal = { name: 'anonymous', grants: ALL_GRANTS, expiresAt: null };

/** A token is ignored. */
export const NO_ACCESS_POLICY: Access = {
  authenticate: () => ({ ok: true, result: ANONYMOUS }),
  changes$: NEVER,
};

/** Who has not said yet who it is. */
export const NOBODY: Principal = {
  name: '',
  grants: { id: 'nobody', scopes: [], metrics: false, sees: () => false, may: () => false },
  expiresAt: null,
};
