// access: who a client is, and what it may see and do.
export {
  type Access,
  type AccessChange,
  type Authentication,
  afterAuthentication,
  type ClientCertificate,
  type Credentials,
  type Grants,
  type Principal,
  type Transport,
} from './access.js';
export type { CallContext, TraceParent } from './call.js';
export { CERTIFICATES, type CertificateEntry } from './certificates.js';
export { JWT_ALGORITHMS, type JwtSettings, parseKey } from './jwt.js';
export { ALL_GRANTS, NO_ACCESS_POLICY, NOBODY } from './none.js';
export { AccessPolicy, type AccessSettings, asksWho } from './policy.js';
export { PROXY_GROUPS, type ProxySettings } from './proxy.js';
export { compileScopes, type Scopes } from './scopes.js';
export { newToken, TOKENS, type TokenEntry } from './tokens.js';
