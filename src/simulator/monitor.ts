// The listening socket. As QEMU's chardev it serves one client at a time; others get no greeting until it is their turn, oldest first.
import { createServer, type Server, type Socket } from 'node:net';
import { type Piece, RequestSplitter } from './request-splitter.js';

export type Listen = { path: string } | { host: string; port: number };

export interface MonitorHandlers {
  /** A client is served from now on: its greeting is to be written. */
  opened(client: Client): void;
  piece(client: Client, piece: Piece): void;
  closed(client: Client): void;
}

/** The served connection. Writes of one event-loop turn are joined and never dropped: QEMU's buffer has no bound either. */
export class Client {
  readonly #socket: Socket;
  #pending = '';
  /** Whether the client has negotiated; `open` says whether it is still connected. */
  negotiated = false;
  /** Whether the client negotiated the capability `oob`. */
  oob = false;
  open = true;

  /** Whether events reach it. */
  get listening(): boolean {
    return this.negotiated && this.open;
  }

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(text: string): void {
    if (this.#pending === '') queueMicrotask(() => this.flush());
    this.#pending += text;
  }

  flush(): void {
    if (this.#pending === '' || !this.open) return;
    const text = this.#pending;
    this.#pending = '';
    this.#socket.write(text, 'latin1');
  }

  /** Bytes that were written and not yet sent. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** `reset` drops what was not flushed: ECONNRESET on TCP. A unix socket has no reset and just closes. */
  end(how: 'clean' | 'reset' = 'clean'): void {
    if (how === 'clean') this.flush();
    this.open = false;
    if (how === 'clean') this.#socket.end();
    else if (this.#socket.remoteAddress === undefined) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
}

export class Monitor {
  readonly #handlers: MonitorHandlers;
  #server: Server | null = null;
  #waiting: Socket[] = [];
  #active: { socket: Socket; client: Client } | null = null;
  /** As a stopped process: the kernel accepts connections, and nothing serves them. */
  silent = false;

  constructor(handlers: MonitorHandlers) {
    this.#handlers = handlers;
  }

  get client(): Client | null {
    return this.#active?.client ?? null;
  }

  /** Resolves with the bound address: port 0 becomes the chosen one. Rejects with the operating system's error. */
  async listen(listen: Listen): Promise<Listen> {
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(listen, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const bound = server.address();
    return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : listen;
  }

  /** Serves the oldest waiting client, unless one is served or the monitor is silent. */
  serveNext(): void {
    if (this.#active !== null || this.silent) return;
    const socket = this.#waiting.shift();
    if (!socket) return;
    const client = new Client(socket);
    const splitter = new RequestSplitter();
    this.#active = { socket, client };
    this.#handlers.opened(client);
    socket.on('data', (chunk: string) => {
      for (const piece of splitter.push(chunk)) this.#handlers.piece(client, piece);
    });
    // QEMU closes as soon as its client has ended its side.
    socket.once('end', () => client.end());
  }

  /** Ends every connection and the listener. */
  async close(how: 'clean' | 'reset' = 'clean'): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    const active = this.#active;
    active?.client.end(how);
    // A client that does not read must not block the end: what is not sent then is lost, as when a process ends.
    if (active && how === 'clean') active.socket.destroySoon();
    const stuck = active ? setTimeout(() => active.socket.destroy(), 250) : undefined;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    clearTimeout(stuck);
  }

  #accept(socket: Socket): void {
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.once('close', () => this.#left(socket));
    this.#waiting.push(socket);
    this.serveNext();
  }

  #left(socket: Socket): void {
    this.#waiting = this.#waiting.filter((other) => other !== socket);
    if (this.#active?.socket !== socket) return;
    const { client } = this.#active;
    client.open = false;
    this.#active = null;
    this.#handlers.closed(client);
    if (this.#server) this.serveNext();
  }
}
