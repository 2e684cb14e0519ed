// An operator of NATS with one account, and credentials of its users: signed JWTs, as the tool `nsc` makes them.
import { createHash } from 'node:crypto';
import { nkeys } from '@nats-io/transport-node';

type Key = ReturnType<typeof nkeys.createUser>;

export interface NatsOperator {
  /** The configuration of a server that believes this operator. */
  config: string;
  /** The text of a credentials file. @param expiresAt seconds since 1970. */
  creds(expiresAt?: number): string;
}

const UNLIMITED = { subs: -1, data: -1, payload: -1, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
const JETSTREAM = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

export function natsOperator(): NatsOperator {
  const [operator, account, system] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const accounts: [Key, object][] = [
    [account, { ...UNLIMITED, ...JETSTREAM }],
    [system, UNLIMITED],
  ];
  const preload = accounts.map(
    ([key, limits]) => `${key.getPublicKey()}: "${sign(operator, key, { type: 'account', limits })}"`,
  );
  return {
    config: [
      `operator: "${sign(operator, operator, { type: 'operator', system_account: system.getPublicKey() })}"`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: { ${preload.join(', ')} }`,
    ].join('\n'),
    creds: (expiresAt) => {
      const user = nkeys.createUser();
      const jwt = sign(account, user, { type: 'user', subs: -1, data: -1, payload: -1, pub: {}, sub: {} }, expiresAt);
      const seed = new TextDecoder().decode(user.getSeed());
      return [
        ...['-----BEGIN NATS USER JWT-----', jwt, '------END NATS USER JWT------', ''],
        ...['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''],
      ].join('\n');
    },
  };
}

function sign(issuer: Key, subject: Key, nats: object, exp?: number): string {
  const claims = {
    iss: issuer.getPublicKey(),
    ...{ sub: subject.getPublicKey(), name: 'test', iat: Math.floor(Date.now() / 1_000), exp },
    nats: { ...nats, version: 2 },
  };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const parts = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { ...claims, jti },
  ].map((part) => base64(JSON.stringify(part)));
  const text = parts.join('.');
  return `${text}.${base64(issuer.sign(new TextEncoder().encode(text)))}`;
}

const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64url');
