// A socket in front of a monitor's whose connections can be cut, so that the gateway misses what happens meanwhile.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Between the gateway and QEMU: cuts the connection, and keeps it cut. */
export class Cutter {
  readonly path: string;
  #open = true;
  readonly #to: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string, to: string) {
    this.path = path;
    this.#to = to;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<void> {
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
    onTestFinished(() => {
      this.cut();
      this.#server.close();
    });
  }
  cut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }
  /** Nobody listens any more. */
  end(): void {
    this.cut();
    this.#server.close();
  }
  heal(): void {
    this.#open = true;
  }

  #accept(socket: Socket): void {
    if (!this.#open) return void socket.destroy();
    const there = connect(this.#to);
    for (const each of [socket, there]) {
      this.#sockets.add(each);
      each.on('error', () => undefined);
      each.on('close', () => {
        this.#sockets.delete(each);
        socket.destroy();
        there.destroy();
      });
    }
    socket.pipe(there).pipe(socket);
  }
}
