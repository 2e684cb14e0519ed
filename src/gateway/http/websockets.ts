// Upgrades: who may, and from there on a connection with its session.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { afterAuthentication, NOBODY, type Transport } from '../../access/index.js';
import type { WorkQueue } from '../scheduler.js';
import { type ConnectedClient, Connection, type ConnectionDeps } from '../session/connection.js';
import type { Clients } from './clients.js';
import type { Compression } from './compression.js';
import type { GuardOptions } from './origin-policy.js';
import { credentialsOf } from './transport.js';
import { acceptOffers, judgeUpgrade, openSockets, refusedAccess, rejectUpgrade } from './upgrade.js';

export interface WebSocketsDeps {
  clients: Clients;
  rules: Readonly<GuardOptions & { compression: Compression }>;
  connection: ConnectionDeps;
  upgrades: WorkQueue;
}

export class WebSockets {
  readonly #deps: WebSocketsDeps;
  readonly #plain = openSockets(false);
  // `ws` answers offers and inflates what clients send; outgoing messages are deflated in `deflate`, once for all.
  readonly #deflating = openSockets({
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    zlibInflateOptions: { chunkSize: 1_024 },
  });
  #opened = 0;

  constructor(deps: WebSocketsDeps) {
    this.#deps = deps;
  }

  /** In its turn: after a restart all clients connect at once. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, transport: Transport): void {
    this.#deps.upgrades.later(socket, () => {
      this.#upgrade(request, socket, head, transport);
      return true;
    });
  }

  close(): void {
    this.#deps.upgrades.clear();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, transport: Transport): void {
    const { clients, rules, connection: deps } = this.#deps;
    const refusal = judgeUpgrade(request, rules) ?? clients.judge(transport);
    if (refusal) return rejectUpgrade(socket, refusal);
    afterAuthentication(deps.access.authenticate(credentialsOf(request), transport), (authenticated) => {
      // A browser has no header to give: its first message is `authenticate`.
      const mayFollow = request.headers.authorization === undefined;
      const isFinal = !authenticated.ok && (authenticated.error.reason !== 'UNAUTHENTICATED' || !mayFollow);
      if (isFinal) return rejectUpgrade(socket, refusedAccess(authenticated.error));
      // It may have taken time to know.
      const late = clients.judgeRoom();
      if (late) return rejectUpgrade(socket, late);
      if (socket.destroyed) return;
      const principal = authenticated.ok ? authenticated.result : NOBODY;
      const server = acceptOffers(request, transport.address, rules.compression) ? this.#deflating : this.#plain;
      server.handleUpgrade(request, socket, head, (ws) =>
        this.#open(ws, { socket: socket as Socket, principal, transport, connectionNumber: ++this.#opened }),
      );
    });
  }

  /** Apart from the upgrade: a connection would keep its request for as long as it lasts. */
  #open(ws: WebSocket, client: ConnectedClient): void {
    const { clients, connection: deps } = this.#deps;
    const connection = new Connection(ws, client, deps, () => clients.remove(connection));
    clients.add(connection);
  }
}
