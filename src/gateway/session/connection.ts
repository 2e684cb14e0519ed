// One WebSocket: messages go to its session, and each invalid frame closes it with its code. The gateway writes its frames directly to the socket,
// not through `ws`; each is written whole, so they may come between frames of `ws`.
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import { NOBODY, type Principal, type Transport } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import type { CloseCode } from '../../protocol/codes.js';
import type { Notifications } from '../../protocol/methods.js';
import type { Cursor } from '../../protocol/types.js';
import type { WorkQueue } from '../scheduler.js';
import type { Deflater } from '../wire/deflate.js';
import { encodeFrame, openFrame, PONG } from '../wire/frame.js';
import { notificationText } from '../wire/messages.js';
import { Outbox, type OutboxOwner, type Traffic } from '../wire/outbox.js';
import type { Unfinished } from './dispatch.js';
import type { HeartbeatPeer } from './heartbeat.js';
import { Inbox, type InboxOwner } from './inbox.js';
import type { SendQueues } from './send-queues.js';
import { ClientSession, type ConnectionPort, type SessionDeps } from './session.js';
import type { Unauthenticated, UnauthenticatedPeer } from './unauthenticated.js';

export interface ConnectionDeps extends SessionDeps {
  deflater: Deflater;
  /** The requests of all connections. */
  requests: WorkQueue;
  sendQueues: SendQueues;
  unauthenticated: Unauthenticated;
  /** Of all connections. */
  traffic: Traffic;
}

export interface ConnectedClient {
  socket: Socket;
  transport: Transport;
  /** {@link NOBODY} until it has authenticated. */
  principal: Principal;
  /** Counts the connections of this gateway: its name in the log. */
  connectionNumber: number;
}

/** Its own ports in place of closures: each of many connections would have fourteen of them. */
export class Connection implements HeartbeatPeer, UnauthenticatedPeer, ConnectionPort, InboxOwner, OutboxOwner {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #session: ClientSession;
  readonly #inbox: Inbox;
  readonly #deps: ConnectionDeps;
  readonly transport: Transport;
  readonly connectionNumber: number;
  /** The newest ping that is not answered yet. */
  #ping: Buffer | undefined;
  /** Bytes received, bytes that the kernel took, and the time at which either last grew. */
  #seen: { in: number; taken: number; at: number };
  /** Pings sent since then: if this process slept, the time alone proves nothing. */
  #pings = 0;
  /** Whether the newest heartbeat had a ping. */
  #asksNow = false;
  /** Pings and pongs of the peer since the last bookmark. */
  #controlFrames = 0;
  #isOverfull = false;
  /** Bytes that the kernel held at the last check. */
  #queued: number | undefined;

  constructor(ws: WebSocket, client: ConnectedClient, deps: ConnectionDeps, onClose: () => void) {
    const { socket, principal, transport, connectionNumber } = client;
    const { limits, requests, clock } = deps;
    this.#seen = { in: 0, taken: 0, at: clock.now() };
    this.#ws = ws;
    this.#socket = socket;
    this.#deps = deps;
    this.transport = transport;
    this.connectionNumber = connectionNumber;
    this.#outbox = new Outbox(socket, {
      highWaterBytes: limits.highWaterBytes,
      stuckMs: limits.stuckMs,
      clock,
      form: ws.extensions === '' ? undefined : deps.deflater,
      traffic: deps.traffic,
      owner: this,
    });
    this.#session = new ClientSession(this.#outbox, principal, deps, this);
    if (principal === NOBODY) deps.unauthenticated.add(this);
    this.#inbox = new Inbox(requests, clock, limits.inboxBytes, this);
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('ping', (data) => this.#pinged(data));
    ws.on('pong', () => this.#isBearable());
    // `ws` itself closes with 1002, 1007, 1008 or 1009 after a protocol error of the peer.
    ws.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') deps.recorder.limited('message_bytes');
    });
    ws.on('close', () => {
      this.#close();
      onClose();
    });
  }

  /** Bytes that the kernel has not taken. */
  get pending(): number {
    return this.#outbox.pending;
  }

  /**
   * Sends a bookmark if all subscriptions of this connection have everything up to the cursor; parked ones have not. Every second one has a ping, since a
   * pong costs as much as both; a peer that did not answer is asked each time.
   */
  beat(now: number): void {
    const { hub, log, limits, clock } = this.#deps;
    const { bytesRead } = this.#socket;
    this.#controlFrames = 0;
    const { taken } = this.#outbox;
    const hasSent = bytesRead > this.#seen.in;
    if (hasSent || taken > this.#seen.taken) {
      this.#seen = { in: bytesRead, taken: Math.max(taken, this.#seen.taken), at: now };
      this.#pings = 0;
    }
    // Who was not asked owes nothing; the kernel's list of all sockets is long.
    else if (this.#pings > 0) void this.#lookBehind(now);
    // A ping would wait behind a full socket; there the outbox checks for drain progress.
    if (this.#outbox.isBlocked) return;
    const unanswered = this.#pings * limits.bookmarkMs >= limits.deadMs;
    if (unanswered && now - this.#seen.at >= limits.deadMs) {
      this.#deps.recorder.limited('sign_of_life');
      return this.#end(4510, 'heartbeat lost');
    }
    // Where the log stands is nobody's business who has not authenticated.
    const bookmark = hub.flush(this.#session, log.head) && this.#session.isKnown;
    this.#asksNow = !bookmark || !hasSent || !this.#asksNow;
    if (this.#asksNow) this.#pings += 1;
    this.#outbox.writeSign(bookmark ? bookmarkFrames(log.cursor, clock)[this.#asksNow ? 'asking' : 'alone'] : PING);
  }

  /** A ping waits behind what the kernel holds, so a peer that reads that, however slowly, is alive. */
  async #lookBehind(now: number): Promise<void> {
    const queued = await this.#deps.sendQueues.of(this.#socket);
    if (queued !== undefined && queued < (this.#queued ?? 0)) {
      this.#seen.at = now;
      this.#pings = 0;
    }
    this.#queued = queued;
  }

  execute(text: string, receivedAt: number): Unfinished {
    return this.#session.receive(text, receivedAt);
  }

  get isBlocked(): boolean {
    return this.#session.isVerifying || this.#owesTooMuch();
  }

  overfull(): void {
    this.#deps.recorder.limited('inbox_bytes');
    this.bye(4429, 'too many requests wait', 1_000);
  }

  failed(err: unknown): void {
    this.#deps.logger.error({ err, connection: this.connectionNumber }, 'a message could not be handled');
    this.#end(1011, 'internal error');
  }

  pause(paused: boolean): void {
    if (paused) this.#ws.pause();
    else this.#ws.resume();
  }

  later(work: () => void): void {
    this.#inbox.defer(work);
  }

  resume(): void {
    this.#inbox.resume();
  }

  abused(retryAfterMs: number): void {
    this.bye(4429, 'rate limited', retryAfterMs);
  }

  revoked(): void {
    this.bye(4403, 'forbidden', 0);
  }

  authenticated(): void {
    this.#deps.unauthenticated.remove(this);
  }

  expired(): void {
    this.#deps.recorder.authenticationFailed('expired');
    this.bye(4401, 'the credentials have expired', 0);
  }

  stuck(): void {
    this.#deps.recorder.limited('drain_progress');
    this.kill(4508, 'no drain progress');
  }

  drained(): void {
    this.#pong();
    this.#inbox.resume();
    const { hub, progress } = this.#deps;
    hub.drained(this.#session);
    for (const each of hub.of(this.#session).values()) progress.drained(each);
    this.#session.advanced();
  }

  late(): void {
    this.#deps.recorder.authenticationFailed('late');
    this.bye(4408, 'no authentication in time', 1_000);
  }

  /** An orderly end: `bye` after everything that was produced, then the close handshake. */
  bye(code: CloseCode, reason: string, retryAfterMs: number): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#deps.hub.flush(this.#session, this.#deps.log.head);
    const params: Notifications['bye'] = { code, reason, retryAfterMs };
    this.#outbox.write(encodeFrame(notificationText('bye', params)));
    this.#end(code, reason);
  }

  /** Closes at once, for a peer that does not read and so can't do the handshake: the close frame is tried only. */
  kill(code: CloseCode, reason: string): void {
    this.#end(code, reason);
    this.#ws.terminate();
  }

  /** Whether so many bytes of answers are unsent that no request is executed. */
  #owesTooMuch(): boolean {
    const before = this.#isOverfull;
    this.#isOverfull = this.#outbox.pending >= this.#deps.limits.hardStopBytes;
    if (this.#isOverfull && !before) this.#deps.recorder.limited('answers_bytes');
    return this.#isOverfull;
  }

  /** Nothing is written after a close frame, and no message that came after its cause is executed. */
  #end(code: CloseCode, reason: string): void {
    this.#close();
    this.#ws.close(code, reason);
    // A paused socket would not receive the peer's close frame.
    this.#ws.resume();
  }

  #close(): void {
    this.#deps.unauthenticated.remove(this);
    this.#inbox.close();
    this.#session.close();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (isBinary) return this.#end(1003, 'text messages only');
    this.#inbox.take(data.toString());
  }

  /** Counts a ping or a pong. `false`: the connection has ended, of too many of them or before. */
  #isBearable(): boolean {
    if (this.#ws.readyState !== this.#ws.OPEN) return false;
    this.#controlFrames += 1;
    const { limits, recorder } = this.#deps;
    if (this.#controlFrames <= limits.controlFrames) return true;
    recorder.limited('control_frames');
    this.abused(limits.bookmarkMs);
    return false;
  }

  /** Of the pings of one turn only the newest is answered, once earlier answers have gone (RFC 6455, 5.5.3). */
  #pinged(payload: Buffer): void {
    if (!this.#isBearable()) return;
    if (this.#ping === undefined) this.#deps.clock.soon(() => this.#pong());
    this.#ping = Buffer.from(payload);
  }

  #pong(): void {
    if (this.#ping === undefined || this.#outbox.isBlocked) return;
    const frame = openFrame(PONG, this.#ping.length);
    this.#ping.copy(frame, frame.length - this.#ping.length);
    this.#ping = undefined;
    this.#outbox.writeSign(frame);
  }
}

/** A whole ping frame (FIN, no payload), the same for every connection. */
const PING = Buffer.from([0x89, 0]);

/** A bookmark, alone and with a ping. */
interface BookmarkFrames {
  cursor: Cursor;
  at: number;
  alone: Buffer;
  asking: Buffer;
}

let newest: BookmarkFrames | undefined;

/** Thousands are sent in one event-loop turn: those with the same cursor, within a tenth of a second, share the bytes. */
function bookmarkFrames(cursor: Cursor, clock: Clock): BookmarkFrames {
  const at = clock.date();
  if (newest?.cursor === cursor && at - newest.at < 100 && at >= newest.at) return newest;
  const alone = encodeFrame(notificationText('bookmark', { cursor, time: new Date(at).toISOString() }));
  newest = { cursor, at, alone, asking: Buffer.concat([alone, PING]) };
  return newest;
}
