// The connection to NATS. The packages are loaded here and nowhere else, and only for a gateway that is part of a cluster.
import type { NatsConnection } from '@nats-io/transport-node';

export interface NatsServers {
  servers: readonly string[];
  creds?: string | undefined;
  tls?: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | undefined;
  /** As NATS shows the connection. */
  name: string;
}

/** @throws the error of NATS where no server can be reached; an error that names the packages where they are not installed. */
export async function connectNats({ servers, creds, tls, name }: NatsServers): Promise<NatsConnection> {
  const { connect, credsAuthenticator } = await loadNats(() => import('@nats-io/transport-node'));
  return connect({
    servers: [...servers],
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    ignoreClusterUpdates: false,
    ...(tls && { tls: Object.fromEntries(Object.entries(tls).filter(([, text]) => text !== undefined)) }),
    ...(creds !== undefined && { authenticator: credsAuthenticator(Buffer.from(creds)) }),
  });
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
