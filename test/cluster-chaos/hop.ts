// A TCP hop that can be cut, frozen and moved to another target.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Hop {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #targets: readonly number[];
  #state: 'open' | 'cut' | 'frozen' = 'open';
  port = 0;

  private constructor(targets: readonly number[]) {
    this.#targets = targets;
    this.#server = createServer({ allowHalfOpen: false }, (socket) => this.#accept(socket));
  }

  /** @param targets ports of loopback: a connection goes to the first that takes it. */
  static async open(targets: readonly number[]): Promise<Hop> {
    const hop = new Hop(targets);
    hop.#server.listen(0, '127.0.0.1');
    await once(hop.#server, 'listening');
    hop.port = (hop.#server.address() as { port: number }).port;
    return hop;
  }

  /** New connections go there. */
  aim(targets: readonly number[]): void {
    this.#targets = targets;
  }

  /** Ends all connections; new ones are made at once. */
  drop(): void {
    for (const pair of [...this.#pairs]) this.#end(pair);
  }

  /** Ends all connections, and refuses new ones. */
  cut(): void {
    this.#state = 'cut';
    this.drop();
  }

  /** Nothing passes any more, and nobody is told. What was sent meanwhile arrives when it is healed. */
  freeze(): void {
    this.#state = 'frozen';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  heal(): void {
    this.#state = 'open';
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #end(pair: readonly [Socket, Socket]): void {
    this.#pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#state === 'cut') return void socket.destroy();
    socket.pause();
    const next = ([port, ...others]: readonly number[]): void => {
      if (port === undefined || socket.destroyed) return void socket.destroy();
      const there = connect(port, '127.0.0.1');
      there.once('error', () => next(others));
      there.once('connect', () => {
        there.removeAllListeners('error');
        this.#join(socket, there);
      });
    };
    next(this.#targets);
  }

  #join(here: Socket, there: Socket): void {
    const pair = [here, there] as const;
    there.on('error', () => undefined);
    here.setNoDelay();
    there.setNoDelay();
    if (here.destroyed || this.#state === 'cut') {
      for (const socket of pair) socket.destroy();
      return;
    }
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [there, here] as const]) {
      from.on('data', (chunk) => {
        if (to.write(chunk)) return;
        from.pause();
        to.once('drain', () => {
          if (this.#state !== 'frozen') from.resume();
        });
      });
      from.on('close', () => this.#end(pair));
    }
    if (this.#state === 'frozen') for (const socket of pair) socket.pause();
    else here.resume();
  }
}
