// The connection to NATS. The packages are loaded here and nowhere else, and only for a gateway that is part of a cluster.
import { readFileSync } from 'node:fs';
import type { Authenticator, credsAuthenticator, NatsConnection, Status } from '@nats-io/transport-node';
import { CLOCK } from '../clock.js';

export interface NatsServers {
  /** `nats://HOST:PORT`, or `tls://HOST:PORT` where TLS is required; `USER:PASSWORD@` in the first that has it counts for all of them. */
  servers: readonly string[];
  /** A credentials file of NATS. It is read for each connection, as those of `tls` are, so they can be replaced while the gateway runs. */
  credsFile?: string | undefined;
  /** Files in PEM. */
  tls?: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | undefined;
  /** Milliseconds until a server is tried again that refuses the connection, at most. Default 10,000: the client of NATS keeps something of each refusal. */
  refusedMs?: number | undefined;
  /** As NATS shows the connection. */
  name: string;
  /** The first part of the subjects of answers. Default `_INBOX`. */
  inboxPrefix?: string | undefined;
}

/** Milliseconds until a server is tried again, and as many more at most, by chance. */
const RETRY_MS = 250;
const JITTER_MS = 100;

/** Milliseconds to a connection. */
const CONNECT_MS = 5_000;

/** @throws the error of NATS where no server can be reached; an error that names the packages where they are not installed. */
export async function connectNats({
  servers,
  credsFile,
  tls,
  name,
  inboxPrefix,
  refusedMs = 10_000,
}: NatsServers): Promise<NatsConnection> {
  const { connect, credsAuthenticator: authenticatorOf } = await loadNats(() => import('@nats-io/transport-node'));
  const urls = servers.map((each) => new URL(each));
  const login = urls.find(({ username }) => username !== '');
  const files = {
    ...(tls?.ca !== undefined && { caFile: tls.ca }),
    ...(tls?.cert !== undefined && { certFile: tls.cert }),
    ...(tls?.key !== undefined && { keyFile: tls.key }),
  };
  let waitMs = RETRY_MS;
  const connection = await connect({
    servers: urls.map(({ host }) => host),
    name,
    // A server that misses a certificate hangs up, which the client of NATS does not notice.
    timeout: CONNECT_MS,
    maxReconnectAttempts: -1,
    // Else the second refusal in a row would close the connection for ever, as after a user's JWT has expired.
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: () => waitMs + CLOCK.random() * JITTER_MS,
    pingInterval: 5_000,
    maxPingOut: 2,
    ignoreClusterUpdates: false,
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    ...((tls ?? urls.some(({ protocol }) => protocol === 'tls:')) && { tls: files }),
    ...(login && { user: decodeURIComponent(login.username), pass: decodeURIComponent(login.password) }),
    ...(credsFile !== undefined && { authenticator: readingAnew(credsFile, authenticatorOf) }),
  });
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'reconnect') waitMs = RETRY_MS;
      else if (isRejection(status)) waitMs = Math.min(waitMs * 2, refusedMs);
    }
  })();
  return connection;
}

/** Whether the server refuses this user, whose credentials have expired or are not known to it. */
export const isRejection = (status: Status): status is Extract<Status, { type: 'error' }> =>
  status.type === 'error' && /authorization violation|authentication/i.test(status.error.message);

/** While the file is gone, or half written, what was read last counts: an authenticator that throws would end the connection for good. */
function readingAnew(file: string, of: typeof credsAuthenticator): Authenticator {
  let known = of(readFileSync(file));
  known('a nonce');
  return (nonce) => {
    try {
      const next = of(readFileSync(file));
      const answer = next(nonce);
      known = next;
      return answer;
    } catch {
      return known(nonce);
    }
  };
}

export async function loadNats<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'a cluster needs packages that are not installed: npm install @nats-io/transport-node @nats-io/jetstream @nats-io/kv',
      { cause: error },
    );
  }
}
