// One listening socket: TCP with or without TLS, a unix socket, or one that a service manager has opened.
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { ClientCertificate, Transport } from '../../access/index.js';
import { bind, listenOnFile, type SocketFile } from '../../socket-file.js';
import { contextOf, type TlsMaterial } from '../../tls.js';
import { CertifiedSockets } from './certified-sockets.js';
import { isLoopbackName } from './origin-policy.js';
import type { ServedListener } from './routes.js';

export type ListenAddress =
  /** Port 0 takes a free one. */
  | { kind: 'tcp'; host: string; port: number }
  | ({ kind: 'unix' } & SocketFile)
  /** A socket that listens already, as systemd passes it. */
  | { kind: 'fd'; fd: number };

export interface Listener extends ServedListener {
  /** As clients write it: `http://HOST:PORT/` or `unix:/path`. */
  readonly url: string;
  /** `undefined`: a unix socket. */
  readonly bound: { address: string; port: number } | undefined;
  /**
   * New connections use this certificate; of a listener without TLS nothing changes. Returns the certificates of present clients that none of the
   * authorities has signed which are trusted from now on; they count as none.
   */
  renew(tls: TlsMaterial): ClientCertificate[];
  /** Takes no more connections. Resolves when the last one has gone. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** Of HTTP. */
  timeouts: ServerOptions;
  /** What is done with a request, and with a connection before its first request; called for each listener before it listens. */
  serve: (listener: ServedListener) => RequestListener;
  attach: (server: Server, listener: ServedListener) => void;
}

/** Connections that the kernel holds until they are accepted: after a restart all clients connect at once. */
const BACKLOG = 4_096;

/** Rejects with the error of `listen` (EADDRINUSE, EACCES, …), or of TLS for a certificate or key that can't be used. */
async function openListener(
  { serves, ...address }: ListenAddress & Pick<ServedListener, 'serves'>,
  tls: TlsMaterial | undefined,
  { timeouts, serve, attach }: ListenOptions,
): Promise<Listener> {
  const kind = kindOf(address);
  const served: ServedListener = { kind, serves, isLocal: kind === 'unix' };
  const secure = kind === 'tcp' && tls ? openTls(tls, timeouts, serve(served)) : undefined;
  const certified = secure && new CertifiedSockets(secure, tls?.clientCa);
  const server: Server = secure ?? createServer(timeouts, serve(served));
  attach(server, served);
  await listen(server, address);
  const at = server.address();
  const bound = typeof at === 'object' && at !== null ? { address: at.address, port: at.port } : undefined;
  if (bound) served.isLocal = isLoopbackName(bound.address);
  return {
    ...served,
    url: urlOf(address, bound, secure !== undefined),
    bound,
    renew: (material) => {
      secure?.setSecureContext(contextOf(material));
      return certified?.judge(material.clientCa) ?? [];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

function openTls(tls: TlsMaterial, timeouts: ServerOptions, serve: RequestListener): TlsServer {
  return createTlsServer(
    {
      ...timeouts,
      ...contextOf(tls),
      handshakeTimeout: timeouts.headersTimeout ?? 10_000,
      // A certificate is one way to be known; without one, or with one of another authority, a client may have another.
      requestCert: tls.clientCa !== undefined,
      rejectUnauthorized: false,
    },
    serve,
  );
}

/** All of them, or none. @param localOnly a TCP listener that others than this host reach is an error with the code EXPOSED. */
export async function openListeners(
  addresses: readonly (ListenAddress & Pick<ServedListener, 'serves'>)[],
  tls: TlsMaterial | undefined,
  localOnly: boolean,
  options: ListenOptions,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (const address of addresses) {
      const listener = await openListener(address, tls, options);
      listeners.push(listener);
      if (localOnly && !listener.isLocal)
        throw Object.assign(new Error(`${listener.url} can be reached from other hosts`), { code: 'EXPOSED' });
    }
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

function urlOf(address: ListenAddress, bound: Listener['bound'], secure: boolean): string {
  if (bound) {
    const host = bound.address.includes(':') ? `[${bound.address}]` : bound.address;
    return `${secure ? 'https' : 'http'}://${host}:${bound.port}/`;
  }
  return address.kind === 'unix' ? `unix:${address.path}` : 'unix';
}

/** Linux lists unix sockets by their inode, which the link of the descriptor names. */
function kindOf(address: ListenAddress): Transport['listener'] {
  if (address.kind !== 'fd') return address.kind;
  const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${address.fd}`))?.[1];
  const isUnix = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .some((line) => line.trim().split(/\s+/)[6] === inode);
  return isUnix ? 'unix' : 'tcp';
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  if (address.kind === 'unix') return listenOnFile(server, address, BACKLOG);
  return bind(server, address.kind === 'fd' ? { fd: address.fd } : { host: address.host, port: address.port }, BACKLOG);
}
