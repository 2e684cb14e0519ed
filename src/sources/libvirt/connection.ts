// One connection to libvirtd: calls with their replies, and the messages that it sends by itself, delivered synchronously in the order of the byte
// stream. Nothing is repeated and nothing expires here: a call that was written occupies a worker of libvirtd until it is answered.
import { createConnection, type Socket } from 'node:net';
import { Observable } from 'rxjs';
import type { Clock } from '../../clock.js';
import type { DownReason } from '../../protocol/types.js';
import { encodePacket, type Packet, PacketSplitter, TYPE } from './packet.js';
import {
  AUTH_NONE,
  AUTH_POLKIT,
  KEEPALIVE,
  type LibvirtError,
  type LibvirtMessage,
  PROCEDURES,
  PROGRAM,
  type Procedure,
  readLibvirtError,
  readLibvirtMessage,
} from './procedures.js';
import { XdrReader, XdrWriter } from './xdr.js';

export type LibvirtReply<Result> =
  | { kind: 'return'; value: Result }
  | ({ kind: 'error' } & LibvirtError)
  /** The connection is lost; the call may have its effect. */
  | { kind: 'closed' };

export interface ConnectOptions {
  path: string;
  uri: string;
  clock: Clock;
  /** Milliseconds from the start of the connection until libvirtd has opened it. After a start of libvirtd that takes some seconds. */
  openMs: number;
  /** Milliseconds between pings, and to their answers. */
  keepaliveMs: number;
}

export class LibvirtLost extends Error {
  override readonly name = 'LibvirtLost';
  readonly reason: DownReason;

  constructor(reason: DownReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface LibvirtHandlers {
  message: (message: LibvirtMessage) => void;
  /** libvirtd answers no ping, or does again. */
  silent: (is: boolean) => void;
}

interface Pending {
  read: (reader: XdrReader) => unknown;
  answer: (reply: LibvirtReply<never>) => void;
}

/** Emits the connection once libvirtd has opened it, and errors with LibvirtLost when it ends. Unsubscribing closes it. */
export function connectLibvirt(options: ConnectOptions, handlers: LibvirtHandlers): Observable<LibvirtConnection> {
  return new Observable((subscriber) => {
    const socket = createConnection(options.path);
    const connection = new LibvirtConnection(socket, options, handlers, (lost) => subscriber.error(lost));
    const stop = options.clock.after(options.openMs, () =>
      connection.end(new LibvirtLost('silent', `libvirtd has not opened the connection within ${options.openMs} ms`)),
    );
    void connection.open(options.uri).then((error) => {
      stop();
      if (error) connection.end(error);
      else if (!connection.isClosed) subscriber.next(connection);
    });
    return () => {
      stop();
      connection.leave();
    };
  });
}

export class LibvirtConnection {
  readonly #socket: Socket;
  readonly #handlers: LibvirtHandlers;
  readonly #lost: (error: LibvirtLost) => void;
  readonly #splitter = new PacketSplitter();
  readonly #pending = new Map<number, Pending>();
  readonly #stopPinging: () => void;
  #serial = 1;
  #pinged = false;
  #isSilent = false;
  #left = false;
  #ended = false;

  constructor(socket: Socket, options: ConnectOptions, handlers: LibvirtHandlers, lost: (error: LibvirtLost) => void) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#lost = lost;
    this.#stopPinging = options.clock.every(options.keepaliveMs, () => this.#ping());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.end(new LibvirtLost(reasonOf(error), error.message)));
    socket.on('close', () => this.end(new LibvirtLost('closed', 'libvirtd closed the connection')));
  }

  get isClosed(): boolean {
    return this.#ended;
  }

  /** Whether libvirtd answers no ping. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Writes a call now. @param answer called once, at the reply's place in the byte stream. */
  call<Args, Result>(
    { program, number, write, read }: Procedure<Args, Result>,
    args: Args,
    answer: (reply: LibvirtReply<Result>) => void,
  ): void {
    if (this.#ended) return answer({ kind: 'closed' });
    const writer = new XdrWriter();
    write(writer, args);
    const serial = this.#serial++;
    this.#pending.set(serial, { read, answer: answer as Pending['answer'] });
    this.#socket.write(encodePacket({ program, procedure: number, type: TYPE.call, serial }, writer.bytes));
  }

  request<Args, Result>(procedure: Procedure<Args, Result>, args: Args): Promise<LibvirtReply<Result>> {
    return new Promise((resolve) => this.call(procedure, args, resolve));
  }

  /** @returns why libvirtd does not open it. */
  async open(uri: string): Promise<LibvirtLost | undefined> {
    const methods = await this.request(PROCEDURES.authList, {});
    if (methods.kind !== 'return') return refused('libvirtd does not say how it authenticates', methods);
    if (!methods.value.includes(AUTH_NONE)) {
      if (!methods.value.includes(AUTH_POLKIT)) return new LibvirtLost('denied', 'libvirtd asks for SASL');
      const polkit = await this.request(PROCEDURES.authPolkit, {});
      if (polkit.kind !== 'return') return refused('polkit refuses', polkit);
    }
    const opened = await this.request(PROCEDURES.open, { uri });
    return opened.kind === 'return' ? undefined : refused(`${uri} can't be opened`, opened);
  }

  /**
   * Nobody listens any more. With a call unanswered the socket stays open until its answer: libvirtd would go on with the call all the same, and its
   * caller counts the worker that it occupies.
   */
  leave(): void {
    this.#left = true;
    this.#stopPinging();
    if (this.#pending.size === 0) this.#close();
  }

  end(error: LibvirtLost): void {
    if (this.#ended) return;
    this.#close();
    for (const { answer } of [...this.#pending.values()]) answer({ kind: 'closed' });
    this.#pending.clear();
    if (!this.#left) this.#lost(error);
  }

  #close(): void {
    this.#ended = true;
    this.#stopPinging();
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#answered();
    try {
      for (const packet of this.#splitter.push(chunk)) {
        if (this.#ended) return;
        this.#take(packet);
      }
    } catch (error) {
      this.end(new LibvirtLost('protocol', error instanceof Error ? error.message : String(error)));
    }
  }

  #take({ program, procedure, type, serial, isError, payload }: Packet): void {
    if (program === PROGRAM.keepalive) {
      if (procedure === KEEPALIVE.ping) this.#keepalive(KEEPALIVE.pong);
      return;
    }
    if (type === TYPE.message) {
      const message = readLibvirtMessage(program, procedure, payload);
      if (message && !this.#left) this.#handlers.message(message);
      return;
    }
    const pending = this.#pending.get(serial);
    if (!pending) return;
    const reply: LibvirtReply<unknown> = isError
      ? { kind: 'error', ...readLibvirtError(payload) }
      : { kind: 'return', value: pending.read(new XdrReader(payload)) };
    this.#pending.delete(serial);
    pending.answer(reply as LibvirtReply<never>);
    if (this.#left && this.#pending.size === 0) this.#close();
  }

  #ping(): void {
    if (this.#pinged) this.#turn(true);
    this.#pinged = true;
    this.#keepalive(KEEPALIVE.ping);
  }

  #answered(): void {
    this.#pinged = false;
    this.#turn(false);
  }

  #turn(isSilent: boolean): void {
    if (this.#isSilent === isSilent) return;
    this.#isSilent = isSilent;
    if (!this.#left) this.#handlers.silent(isSilent);
  }

  #keepalive(procedure: number): void {
    const header = { program: PROGRAM.keepalive, procedure, type: TYPE.message, serial: 0 };
    if (!this.#ended) this.#socket.write(encodePacket(header, Buffer.alloc(0)));
  }
}

function refused(what: string, reply: Exclude<LibvirtReply<unknown>, { kind: 'return' }>): LibvirtLost {
  if (reply.kind === 'closed') return new LibvirtLost('closed', `${what}: the connection is lost`);
  return new LibvirtLost('denied', `${what}: ${reply.message}`);
}

function reasonOf({ code }: NodeJS.ErrnoException): DownReason {
  if (code === 'ENOENT') return 'absent';
  if (code === 'EACCES' || code === 'EPERM') return 'denied';
  if (code === 'ECONNREFUSED') return 'refused';
  return 'closed';
}
