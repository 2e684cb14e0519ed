// One WebSocket. In: its frames, by `ws`. Out: text messages to a session, and the close code that each bad frame deserves. Frames of
// ours are written to the socket that the upgrade gave us: whole, so they may stand between those of `ws`.
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { CloseCode } from '../protocol/codes.js';
import type { Notifications } from '../protocol/methods.js';
import type { Cursor } from '../protocol/types.js';
import type { Deflater } from './deflate.js';
import { encodeFrame } from './frame.js';
import type { Beating } from './heartbeat.js';
import type { GatewayLimits } from './limits.js';
import { notificationText } from './messages.js';
import { Outbox } from './outbox.js';
import { Session, type SessionDeps } from './session.js';

export class Connection implements Beating {
  alive = true;
  readonly #ws: WebSocket;
  readonly #outbox: Outbox;
  readonly #session: Session;
  readonly #deps: SessionDeps;
  readonly #limits: GatewayLimits;
  #hardStopped = false;

  constructor(
    ws: WebSocket,
    socket: Socket,
    by: string,
    deps: SessionDeps,
    limits: GatewayLimits,
    deflater: Deflater,
    onClose: () => void,
  ) {
    this.#ws = ws;
    this.#deps = deps;
    this.#limits = limits;
    this.#outbox = new Outbox(socket, {
      highWaterBytes: limits.highWaterBytes,
      stuckMs: limits.stuckMs,
      deflater: ws.extensions === '' ? undefined : deflater,
      onDrain: () => this.#drained(),
      onStuck: () => this.kill(4508, 'no drain progress'),
    });
    this.#session = new Session(this.#outbox, by, deps);
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('pong', () => {
      this.alive = true;
    });
    // Protocol errors of the peer; `ws` closes with 1002, 1007 or 1009 by itself.
    ws.on('error', () => undefined);
    ws.on('close', () => {
      this.#session.close();
      onClose();
    });
  }

  /** With the ping a bookmark, where every subscription here has been sent all that matches up to the cursor; a parked one has not. */
  beat(): void {
    // Behind a full socket a ping proves nothing; drain progress is judged there.
    if (this.#outbox.isBlocked) {
      this.alive = true;
      return;
    }
    const { hub, log } = this.#deps;
    const complete = hub.flush(this.#session, log.head);
    this.#outbox.write(complete ? bookmarkAndPing(log.cursor) : PING);
  }

  lost(): void {
    this.kill(4510, 'heartbeat lost');
  }

  /** An orderly end: `bye` after everything that was produced, then the close handshake. */
  bye(params: Notifications['bye']): void {
    this.#deps.hub.flush(this.#session, this.#deps.log.head);
    this.#outbox.write(encodeFrame(notificationText('bye', params)));
    this.#end(params.code, params.reason);
  }

  /** A peer that does not read can't shake hands: the close frame is tried, the socket is gone at once. */
  kill(code: CloseCode, reason: string): void {
    this.#end(code, reason);
    this.#ws.terminate();
  }

  /** Nothing is written after a close frame, and nothing that came with what closed it is executed. */
  #end(code: number, reason: string): void {
    this.#session.close();
    this.#ws.close(code, reason);
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.alive = true;
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (isBinary) return this.#end(1003, 'text messages only');
    this.#session.receive(data.toString());
    if (this.#outbox.pending < this.#limits.hardStopBytes || this.#hardStopped) return;
    // Who asks without reading the answers is read no further until it does.
    this.#hardStopped = true;
    this.#ws.pause();
  }

  #drained(): void {
    if (this.#hardStopped) {
      this.#hardStopped = false;
      this.#ws.resume();
    }
    this.#deps.hub.drained(this.#session);
    this.#session.advanced();
  }
}

/** FIN, ping, empty: the same for everybody. */
const PING = Buffer.from([0x89, 0]);

let newest: { cursor: Cursor; at: number; frames: Buffer } | undefined;

/** Thousands get theirs in one turn of the loop: the same bytes for those at one position, within the same tenth of a second. */
function bookmarkAndPing(cursor: Cursor): Buffer {
  const at = Date.now();
  if (newest?.cursor === cursor && at - newest.at < 100 && at >= newest.at) return newest.frames;
  const bookmark = encodeFrame(notificationText('bookmark', { cursor, time: new Date(at).toISOString() }));
  newest = { cursor, at, frames: Buffer.concat([bookmark, PING]) };
  return newest.frames;
}
