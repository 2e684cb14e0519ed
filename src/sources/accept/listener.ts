// A socket at which QEMUs connect: a unix socket's file, or TCP, with TLS where there is a certificate. It listens while it is subscribed to, and tries
// again where it can't.
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { type BehaviorSubject, Subscription } from 'rxjs';
import { bind, listenOnFile } from '../../socket-file.js';
import { contextOf, type TlsMaterial } from '../../tls.js';
import type { AcceptOptions, AcceptSettings } from './options.js';

export interface ListenerHandlers {
  /** Before anything is done for a connection. @returns whether it goes on; else it is closed once it has greeted. */
  admits(): boolean;
  /** A connection; with TLS its handshake is done. */
  opened(socket: Socket): void;
  /** The TLS handshake has failed. @param late it took too long. */
  unsafe(why: string, late: boolean): void;
  listening(): void;
  /** It does not listen; the next try follows. */
  failed(error: NodeJS.ErrnoException): void;
}

/** Connections that the kernel holds until they are accepted. */
const BACKLOG = 128;

export class Listener {
  readonly #address: AcceptSettings['address'];
  readonly #tls$: BehaviorSubject<TlsMaterial | undefined>;
  readonly #handlers: ListenerHandlers;
  readonly #options: AcceptOptions;
  /** Connections in their TLS handshake, by the address of their other end. */
  readonly #handshaking = new Map<string, Socket>();
  /** Connections that are closed as soon as they have greeted. */
  readonly #refused = new Set<Socket>();

  /** @param tls$ what new connections use. Whether there is one is decided when it begins to listen. */
  constructor(
    address: AcceptSettings['address'],
    tls$: BehaviorSubject<TlsMaterial | undefined>,
    handlers: ListenerHandlers,
    options: AcceptOptions,
  ) {
    this.#address = address;
    this.#tls$ = tls$;
    this.#handlers = handlers;
    this.#options = options;
  }

  /** Connections whose TLS handshake is not done. */
  get handshaking(): number {
    return this.#handshaking.size;
  }

  /** Unsubscribing ends it, and the socket's file goes; connections that were handed over stay. */
  open(): Subscription {
    const running = new Subscription(() => {
      for (const socket of [...this.#handshaking.values(), ...this.#refused]) socket.destroy();
    });
    this.#attempt(running);
    return running;
  }

  #attempt(running: Subscription): void {
    const attempt = new Subscription();
    const server = this.#server(attempt);
    attempt.add(() => server.close());
    this.#listen(server).then(
      () => {
        running.add(attempt);
        server.on('error', (error) => this.#handlers.failed(error));
        if (!running.closed) this.#handlers.listening();
      },
      (error: NodeJS.ErrnoException) => {
        attempt.unsubscribe();
        if (running.closed) return;
        this.#handlers.failed(error);
        running.add(this.#options.clock.after(this.#options.retryMs, () => this.#attempt(running)));
      },
    );
  }

  #listen(server: Server): Promise<void> {
    return this.#address.kind === 'unix'
      ? listenOnFile(server, this.#address, BACKLOG)
      : bind(server, this.#address, BACKLOG);
  }

  #server(attempt: Subscription): Server {
    const tls = this.#address.kind === 'tcp' ? this.#tls$.value : undefined;
    if (!tls)
      return createServer(TCP, (socket) => {
        if (this.#handlers.admits()) this.#handlers.opened(socket);
        else this.#refuse(socket);
      });
    const server = this.#secureServer(tls);
    attempt.add(this.#tls$.subscribe((next) => next && server.setSecureContext(contextOf(next))));
    return server;
  }

  #secureServer(tls: TlsMaterial): TlsServer {
    const asksWho = tls.clientCa !== undefined;
    const handshakeTimeout = this.#options.greetingMs;
    const server = createTlsServer(
      { ...TCP, ...contextOf(tls), handshakeTimeout, requestCert: asksWho, rejectUnauthorized: asksWho },
      (socket: TLSSocket) => {
        this.#handshaking.delete(endOf(socket));
        this.#handlers.opened(socket);
      },
    );
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      if (!this.#handlers.admits()) return void socket.destroy();
      const end = endOf(socket);
      this.#handshaking.set(end, socket);
      socket.once('close', () => this.#handshaking.delete(end));
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.#handshaking.delete(endOf(socket));
      socket.destroy();
      this.#handlers.unsafe(error.message, error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT');
    });
    return server;
  }

  /**
   * A QEMU that starts may crash if its connection is closed before it has greeted (seen in one of ten starts of 7.2 and 10.0), so that is waited for.
   * With TLS there is no connection for the monitor before the handshake is done.
   */
  #refuse(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#refused.size >= this.#options.refused) return void socket.destroy();
    this.#refused.add(socket);
    const stop = this.#options.clock.after(this.#options.greetingMs, () => socket.destroy());
    socket.once('data', () => socket.destroy());
    socket.once('close', () => {
      stop();
      this.#refused.delete(socket);
    });
  }
}

/** A host that is gone leaves a connection that only probes end. */
const TCP = { keepAlive: true, keepAliveInitialDelay: 30_000, noDelay: true } as const;

const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
