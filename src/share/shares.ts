// All shared sockets, and the sessions of their sources.
import type { QmpSession } from '../qmp/index.js';
import type { SessionListener } from '../sources/index.js';
import { SharedSocket, type ShareOptions, type ShareSettings } from './shared-socket.js';

export class Shares implements SessionListener {
  readonly #sockets: readonly SharedSocket[];

  constructor(settings: readonly ShareSettings[], options: ShareOptions) {
    this.#sockets = settings.map((each) => new SharedSocket(each, options));
  }

  /** All of them, or none. Rejects with the error of `listen` (EADDRINUSE, EACCES, …). */
  async listen(): Promise<void> {
    try {
      for (const socket of this.#sockets) await socket.listen();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  wants(source: string): boolean {
    return this.#of(source).length > 0;
  }

  opened(source: string, session: QmpSession): void {
    for (const socket of this.#of(source)) socket.opened(session);
  }

  closed(source: string): void {
    for (const socket of this.#of(source)) socket.closed();
  }

  /** Every tool is disconnected, and the files go. */
  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.close()));
  }

  #of(source: string): readonly SharedSocket[] {
    return this.#sockets.filter((socket) => socket.source === source);
  }
}
