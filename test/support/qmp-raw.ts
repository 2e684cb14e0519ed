// A bare QMP client that records every message in order. It shares no code with src/qmp.
import { connect, type Socket } from 'node:net';

export type Message = Record<string, unknown>;
export interface Received {
  /** Position in the order of arrival, from 0. */
  index: number;
  /** The text as it came, without its line end. */
  text: string;
  message: Message;
}

interface Waiter {
  from: number;
  wanted: (message: Message, index: number) => boolean;
  resolve: (received: Received) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

export class RawClient {
  readonly received: Received[] = [];
  readonly #socket: Socket;
  readonly #waiters = new Set<Waiter>();
  #text = '';
  #commands = 0;
  #ended = false;
  /** Resolves when the connection is over, with the error code of a reset or null. */
  readonly closed: Promise<string | null>;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#take(chunk));
    this.closed = new Promise((resolve) => {
      let code: string | null = null;
      socket.on('error', (error: NodeJS.ErrnoException) => {
        code = error.code ?? error.message;
      });
      socket.once('close', () => {
        this.#ended = true;
        for (const waiter of this.#waiters) this.#settle(waiter, new Error(`connection over: ${this.#tail()}`));
        resolve(code);
      });
    });
  }

  /** Everything, as text, that came and is no whole message yet. */
  get rest(): string {
    return this.#text;
  }

  /** Raw text to the server. */
  send(text: string): void {
    this.#socket.write(text);
  }

  /** Stops and goes on reading from the kernel. */
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** The first message at or after index `from` that is wanted. Rejects when the connection ends or `withinMs` is over. */
  waitFor(
    wanted: Waiter['wanted'],
    { from = 0, withinMs = 10_000 }: { from?: number; withinMs?: number } = {},
  ): Promise<Received> {
    const there = this.received.find(({ message, index }) => index >= from && wanted(message, index));
    if (there) return Promise.resolve(there);
    if (this.#ended) return Promise.reject(new Error(`connection over: ${this.#tail()}`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settle(waiter, new Error(`nothing within ${withinMs} ms: ${this.#tail()}`)),
        withinMs,
      );
      const waiter: Waiter = { from, wanted, resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  /** The reply to a command, whatever it is. */
  async execute(command: string, args?: unknown, id: unknown = `raw-${this.#commands++}`): Promise<Message> {
    const reply = this.waitFor((message) => message.id === id, { from: this.received.length });
    this.send(JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }), id }));
    return (await reply).message;
  }

  /** Waits for the greeting and negotiates. */
  async negotiate(enable: readonly string[] = []): Promise<this> {
    await this.waitFor((message) => 'QMP' in message);
    const reply = await this.execute('qmp_capabilities', { enable });
    if (!('return' in reply)) throw new Error(`negotiation refused: ${JSON.stringify(reply)}`);
    return this;
  }

  /** Leaves at once. */
  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#text += chunk;
    let from = 0;
    // A line that opens an object is complete at the first line end where it parses: enough for pretty=on as well.
    for (let end = this.#text.indexOf('\r\n', from); end >= 0; end = this.#text.indexOf('\r\n', end + 2)) {
      const text = this.#text.slice(from, end);
      if (text.startsWith('{') && !text.endsWith('}')) continue;
      const message = tryParse(text);
      if (!message) continue;
      from = end + 2;
      this.#record(text, message);
    }
    this.#text = this.#text.slice(from);
  }

  #record(text: string, message: Message): void {
    const received = { index: this.received.length, text, message };
    this.received.push(received);
    for (const waiter of this.#waiters) {
      if (received.index >= waiter.from && waiter.wanted(message, received.index)) this.#settle(waiter, received);
    }
  }

  #settle(waiter: Waiter, outcome: Received | Error): void {
    clearTimeout(waiter.timer);
    this.#waiters.delete(waiter);
    if (outcome instanceof Error) waiter.reject(outcome);
    else waiter.resolve(outcome);
  }

  #tail(): string {
    return JSON.stringify(this.received.slice(-8).map(({ message }) => message));
  }
}

function tryParse(text: string): Message | null {
  try {
    return JSON.parse(text) as Message;
  } catch {
    return null;
  }
}

/** Rejects with the operating system's error (EAGAIN: occupied, ENOENT and ECONNREFUSED: not there). */
export function connectRaw(address: { path: string } | { host: string; port: number }): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new RawClient(socket));
    });
  });
}
