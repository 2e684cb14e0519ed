// Who calls, as an owner knows it: by the caller's own JWT where the edge has passed one on and the owner can verify it, else as the edge says.
import { ALL_GRANTS, type Principal } from '../access/index.js';
import { type Answer, refuse } from '../protocol/answer.js';
import type { CommandRequest } from './words.js';

export interface CallerChecks {
  /** Whose JWT it is, and what it grants; `undefined`: this owner accepts no JWT. */
  verify(token: string): Promise<Answer<Principal>> | undefined;
  /** Whether a command without a JWT is refused. */
  readonly requiresJwt: boolean;
}

/** UNAUTHENTICATED: the JWT is missing, not accepted, or of another than the edge says. */
export async function identify(
  { by, token }: Pick<CommandRequest, 'by' | 'token'>,
  { verify, requiresJwt }: CallerChecks,
): Promise<Answer<Principal>> {
  const verified = token === undefined ? undefined : await verify(String(token));
  if (verified?.ok && verified.result.name !== by)
    return refuse('UNAUTHENTICATED', 'the token is not that of the caller');
  if (verified) return verified;
  if (requiresJwt) return refuse('UNAUTHENTICATED', 'the owner of the source carries out commands of JWTs alone');
  return { ok: true, result: { name: by, grants: ALL_GRANTS, expiresAt: null } };
}
