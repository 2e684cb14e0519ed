// access: who a client is, and what it may see and do.
export type { Access, AccessChange, Credentials, Grants, Principal, Transport } from './access.js';
export type { CallContext } from './call.js';
export { ALL_GRANTS, NO_ACCESS_POLICY, NOBODY } from './none.js';
export { compileScopes, type Scopes } from './scopes.js';
export { newToken, type ParsedTokens, parseTokens, type TokenEntry, TokenPolicy } from './tokens.js';
