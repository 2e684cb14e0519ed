// One client of server-sent events: a session with one subscription, which is written to its HTTP response. The client sends nothing after its request.
import type { Socket } from 'node:net';
import type { Principal, Transport } from '../../access/index.js';
import { type Refusal, refuse } from '../../protocol/answer.js';
import type { CloseCode } from '../../protocol/codes.js';
import type { Methods } from '../../protocol/methods.js';
import { block, EventStreamForm } from '../wire/event-stream.js';
import type { SharedFrame } from '../wire/frame.js';
import { encodeFrame } from '../wire/frame.js';
import { notificationText } from '../wire/messages.js';
import { Outbox, type WireForm } from '../wire/outbox.js';
import type { ConnectionDeps } from './connection.js';
import type { HeartbeatPeer } from './heartbeat.js';
import { ClientSession } from './session.js';

export interface EventStreamClient {
  socket: Socket;
  principal: Principal;
  transport: Transport;
  /** Its only request. */
  subscribe: Methods['subscribe']['params'];
  /** The cursor that it asked to go on from, well-formed or not. */
  after: string | undefined;
  /** Writes the head of the response; the stream follows. */
  begin: () => void;
  /** Answers the request with an error: the stream has not begun. */
  refuse: (error: Refusal) => void;
}

const NOTHING = Buffer.alloc(0);
/** Milliseconds that a client has to take the farewell and to close, as one of a WebSocket has for its close handshake. */
const CLOSE_MS = 5_000;

export class EventStream implements HeartbeatPeer {
  readonly #client: EventStreamClient;
  readonly #deps: ConnectionDeps;
  readonly #outbox: Outbox;
  readonly #session: ClientSession;
  /** Whether the head of the response was written. */
  #begun = false;
  #ended = false;
  /** What is to be said once it has begun. */
  #early: Buffer[] = [];
  /** Bytes that the kernel held at the last check, the most that the client's host had acknowledged by then, and when it was last known to live. */
  #life: { queued: number; acknowledged: number; at: number };

  constructor(client: EventStreamClient, deps: ConnectionDeps) {
    const { socket, principal, transport } = client;
    const { limits, clock, traffic, recorder } = deps;
    this.#client = client;
    this.#deps = deps;
    this.#life = { queued: 0, acknowledged: 0, at: clock.now() };
    this.#outbox = new Outbox(socket, {
      highWaterBytes: limits.highWaterBytes,
      stuckMs: limits.stuckMs,
      clock,
      form: this.#form(),
      traffic,
      owner: {
        drained: () => this.#drained(),
        stuck: () => {
          recorder.limited('drain_progress');
          this.kill();
        },
      },
    });
    this.#session = new ClientSession(this.#outbox, principal, deps, {
      transport,
      later: (work) => work(),
      abused: () => {},
      resume: () => {},
      revoked: () => this.bye(4403, 'forbidden', 0),
      authenticated: () => {},
      expired: () => {
        recorder.authenticationFailed('expired');
        this.bye(4401, 'the credentials have expired', 0);
      },
    });
    socket.once('close', () => this.#end());
  }

  /** Subscribes, in the turns of all clients' requests. */
  start(): void {
    const { requests, clock, logger } = this.#deps;
    const params = this.#client.subscribe;
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscribe', params });
    let again: (() => boolean) | undefined;
    requests.now(this, () => {
      if (this.#ended) return true;
      try {
        again = again === undefined ? this.#session.receive(text, clock.now())?.again : again() ? undefined : again;
      } catch (error) {
        logger.error({ err: error }, 'an event stream could not begin');
        this.kill();
        return true;
      }
      return again === undefined;
    });
  }

  get pending(): number {
    return this.#outbox.pending;
  }

  /** A comment that proxies and clients see, with the cursor if the stream has everything up to it. */
  beat(now: number): void {
    const { hub, log } = this.#deps;
    if (!this.#begun) return;
    // Behind a full socket the outbox judges, by what the kernel takes.
    if (this.#outbox.isBlocked) {
      this.#life.at = now;
      return;
    }
    void this.#judgeLife(now);
    const complete = hub.flush(this.#session, log.head);
    this.#outbox.writeSign(Buffer.from(complete ? `:\n${block({ id: log.cursor })}` : ':\n\n'));
  }

  bye(code: CloseCode, reason: string, retryAfterMs: number): void {
    if (this.#ended) return;
    const { hub, log, clock } = this.#deps;
    const { socket } = this.#client;
    if (!this.#begun) {
      const why = code === 1012 ? refuse('SOURCE_DOWN', 'the gateway is closing') : refuse('UNAUTHENTICATED', reason);
      return this.#refuse(why.error);
    }
    hub.flush(this.#session, log.head);
    this.#outbox.write(encodeFrame(notificationText('bye', { code, reason, retryAfterMs })));
    this.#end();
    socket.end();
    socket.once(
      'close',
      clock.after(CLOSE_MS, () => socket.destroy()),
    );
  }

  kill(): void {
    this.#end();
    this.#client.socket.destroy();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#deps.requests.drop(this);
    this.#session.close();
  }

  #refuse(error: Refusal): void {
    this.#end();
    this.#client.refuse(error);
  }

  /**
   * Nothing comes from the client; it lives while its host acknowledges what is sent, also where as much is sent again at once. Where the kernel does not
   * say so, TCP finds it dead.
   */
  async #judgeLife(now: number): Promise<void> {
    const { sendQueues, limits, recorder } = this.#deps;
    const { taken } = this.#outbox;
    const queued = (await sendQueues.of(this.#client.socket)) ?? 0;
    const { acknowledged: before, queued: last } = this.#life;
    const acknowledged = Math.max(before, taken - queued);
    const lives = queued === 0 || queued < last || acknowledged > before;
    this.#life = { queued, acknowledged, at: lives ? now : this.#life.at };
    if (this.#ended || now - this.#life.at < limits.deadMs) return;
    recorder.limited('sign_of_life');
    this.kill();
  }

  #drained(): void {
    const { hub, progress } = this.#deps;
    hub.drained(this.#session);
    for (const each of hub.of(this.#session).values()) progress.drained(each);
    this.#session.advanced();
  }

  /** The first message is the reply to `subscribe`: the stream begins with it, or the request is refused. */
  #form(): WireForm {
    const { after, begin } = this.#client;
    const form = new EventStreamForm(after === undefined ? undefined : { after });
    return {
      formOf: (frame: SharedFrame) => form.formOf(frame),
      join: (head, tail) => {
        begin();
        this.#begun = true;
        return Buffer.concat([form.join(head, tail), ...this.#early.splice(0)]);
      },
      own: (frame) => {
        if (this.#begun) return form.own(frame);
        const refused = form.refusalOf(frame);
        if (refused === undefined) this.#early.push(form.own(frame));
        else this.#refuse(refused);
        return NOTHING;
      },
    };
  }
}
