// An issuer of JSON Web Tokens, and the settings of a gateway that trusts it.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportSPKI, type JWTPayload, SignJWT } from 'jose';
import type { JwtSettings } from '../../src/access/index.js';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OURS = pair();
/** Of somebody else. */
export const FOREIGN: KeyObject = pair().privateKey;

export const JWT_SETTINGS = {
  keys: { text: await exportSPKI(OURS.publicKey as never) },
  issuer: 'https://issuer.example',
  audience: 'qmp-gateway',
  algorithms: ['ES256'],
  claim: 'qmp',
} satisfies JwtSettings;

/** @param now milliseconds since 1970; the token ends 600 s later. */
export function issueJwt(
  now: number,
  sub: string,
  qmp: { read?: readonly string[]; control?: readonly string[] },
  { key = OURS.privateKey, ...claims }: JWTPayload & { key?: KeyObject } = {},
): Promise<string> {
  const { issuer: iss, audience: aud } = JWT_SETTINGS;
  const payload = { iss, aud, sub, exp: Math.floor(now / 1_000) + 600, qmp, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256' }).sign(key as never);
}
