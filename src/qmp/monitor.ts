// One connection to a monitor as an Observable: the socket is opened on subscription, or is one that QEMU opened, and is closed on unsubscription. It
// never completes: the end of the connection is the error `MonitorLost`, so that a supervisor can't take it for success.
import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Observable, type Subscriber } from 'rxjs';
import { ByteRecords, needsByteRecords } from './byte-records.js';
import { MonitorLost, toMonitorLost } from './connection-error.js';
import { QMP_LIMITS } from './limits.js';
import { type QmpMessage, readMessage } from './message.js';
import { MessageSplitter } from './message-splitter.js';
import type { CommandTable, QmpCommands } from './qapi.js';
import { FOREVER_MS, type QmpOptions, QmpSession } from './session.js';
import { unacknowledged } from './unacknowledged.js';

export type MonitorAddress = { kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number };

/**
 * `waiting` is emitted once for each reason, and the connection is kept: QEMU's backlog is 1, so connections that are abandoned and made anew would
 * lock out every client; and a blocked main loop may recover.
 */
export type MonitorState<Commands extends CommandTable<Commands> = QmpCommands> =
  | { kind: 'waiting'; reason: 'silent' | 'stalled'; detail: string }
  | { kind: 'open'; session: QmpSession<Commands> };

/**
 * Connects, waits for the greeting, negotiates, and emits the session once.
 *
 * @param address where QEMU listens (`-qmp unix:PATH,server=on,wait=off`); one client at a time per monitor.
 * @param limits overrides of {@link QMP_LIMITS}.
 * @returns errors with {@link MonitorLost}; unsubscribing closes the socket.
 * @example openMonitor({ kind: 'unix', path: '/run/vm1.qmp' }).subscribe((state) => console.log(state.kind));
 */
export function openMonitor(address: MonitorAddress, limits: Partial<QmpOptions> = {}): Observable<MonitorState> {
  return new Observable<MonitorState>((subscriber) => {
    const connection = new MonitorConnection(connectTo(address), { ...QMP_LIMITS, ...limits }, subscriber);
    connection.connecting();
    return () => connection.close();
  });
}

/**
 * Speaks QMP over a socket that is connected: waits for the greeting, negotiates, and emits the session once. QEMU with a client chardev
 * (`server=off`) greets as soon as it is connected.
 *
 * @param socket nobody else reads from it; TLS is done. Subscribe in the turn in which it was accepted, and once.
 * @returns errors with {@link MonitorLost}; unsubscribing closes the socket.
 */
export function converse(socket: Socket, limits: Partial<QmpOptions> = {}): Observable<MonitorState> {
  return new Observable<MonitorState>((subscriber) => {
    const connection = new MonitorConnection(socket, { ...QMP_LIMITS, ...limits }, subscriber);
    connection.connected();
    return () => connection.close();
  });
}

function connectTo(address: MonitorAddress): Socket {
  if (address.kind === 'unix') return connect({ path: address.path });
  const { host, port } = address;
  return connect({ host, port, keepAlive: true, keepAliveInitialDelay: 30_000, noDelay: true });
}

type Phase =
  | { kind: 'greeting' }
  | { kind: 'negotiating'; session: QmpSession }
  | { kind: 'open'; session: QmpSession };

class MonitorConnection {
  readonly #socket: Socket;
  readonly #splitter: MessageSplitter;
  readonly #limits: QmpOptions;
  readonly #subscriber: Subscriber<MonitorState>;
  #phase: Phase = { kind: 'greeting' };
  #deadline: NodeJS.Timeout | undefined;
  /** Events that came before the negotiation reply. They are delivered right after it, so that no event is lost. */
  readonly #early: { message: QmpMessage; text: string }[] = [];
  #watch: NodeJS.Timeout | undefined;
  #earlyCount = 0;
  /** All that has come before the negotiation reply, whole messages or not. */
  #earlyBytes = 0;
  #over = false;
  /** In place of whole lines. */
  #records: ByteRecords | undefined;

  constructor(socket: Socket, limits: QmpOptions, subscriber: Subscriber<MonitorState>) {
    this.#limits = limits;
    this.#subscriber = subscriber;
    this.#splitter = new MessageSplitter(limits.maxMessageBytes, limits.oob === true);
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(toMonitorLost(error)));
    socket.on('close', () => this.#lose(new MonitorLost('closed', 'the monitor closed the connection')));
  }

  connecting(): void {
    this.#within(this.#limits.connectMs, (ms) =>
      this.#lose(new MonitorLost('unreachable', `no connection within ${ms} ms`)),
    );
    this.#socket.on('connect', () => this.connected());
  }

  connected(): void {
    this.#reportAfter(this.#limits.greetingMs, 'silent', 'connected, but no greeting');
    // A unix socket has no address of the other end.
    if (this.#socket.remoteAddress !== undefined) this.#watchAcknowledgements();
  }

  close(): void {
    this.#over = true;
    clearTimeout(this.#deadline);
    clearInterval(this.#watch);
    // Commands written in this event-loop turn are sent before the end.
    while (this.#socket.writableCorked > 0) this.#socket.uncork();
    this.#socket.destroy();
    if (this.#phase.kind !== 'greeting') this.#phase.session.close();
  }

  #within(ms: number, late: (ms: number) => void): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => late(ms), ms);
  }

  #reportAfter(after: number, reason: 'silent' | 'stalled', detail: string): void {
    this.#within(after, (ms) =>
      this.#subscriber.next({ kind: 'waiting', reason, detail: `${detail} within ${ms} ms` }),
    );
  }

  /** A host that acknowledges bytes is reachable, whether or not QEMU answers; one that has not for long is not. */
  #watchAcknowledgements(): void {
    const { unacknowledgedMs, unacknowledgedCheckMs } = this.#limits;
    let last = 0;
    let since = performance.now();
    const look = async (): Promise<void> => {
      const bytes = (await unacknowledged(this.#socket)) ?? 0;
      const now = performance.now();
      if (bytes === 0 || last === 0 || bytes < last) since = now;
      last = bytes;
      if (bytes > 0 && now - since >= unacknowledgedMs)
        this.#lose(new MonitorLost('unreachable', `${bytes} bytes unacknowledged for ${Math.round(now - since)} ms`));
    };
    this.#watch = setInterval(() => void look(), unacknowledgedCheckMs).unref();
  }

  #lose(lost: MonitorLost): void {
    if (this.#over) return;
    this.close();
    this.#subscriber.error(lost);
  }

  #receive(chunk: Buffer): void {
    if (this.#phase.kind !== 'open') this.#earlyBytes += chunk.length;
    const { messages, texts, sizes, error } = this.#splitter.push(chunk);
    for (let at = 0; at < messages.length && !this.#over; at++) {
      const bytes = sizes[at] ?? 0;
      this.#take(readMessage(messages[at], bytes, this.#limits), texts[at] ?? '');
    }
    if (this.#over) return;
    if (error) this.#lose(new MonitorLost('protocol', error));
    else if (this.#phase.kind !== 'open') this.#boundEarly();
  }

  #take(message: QmpMessage, text: string): void {
    if (message.kind === 'malformed') return this.#lose(new MonitorLost('protocol', message.why));
    const phase = this.#phase;
    // Before the greeting and before the negotiation reply, QEMU may send an event, or a reply to an earlier client's command.
    if (phase.kind === 'greeting') {
      if (message.kind === 'greeting')
        this.#negotiate(new QmpSession(message.greeting, this.#limits, (line) => this.#write(line)));
      else this.#keepEarly(message, text);
      return;
    }
    const isReply = message.kind === 'return' || message.kind === 'error';
    if (phase.kind === 'negotiating' && (message.kind === 'event' || (isReply && !phase.session.owns(message.id))))
      return this.#keepEarly(message, text);
    const why = phase.session.receive(message, text);
    if (why !== undefined) this.#lose(new MonitorLost('protocol', why));
  }

  /** Commands of one event-loop turn go out in one write, since each write wakes QEMU's main loop. */
  #write(line: string): void {
    if (this.#records) return this.#records.write(line);
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(line);
  }

  #keepEarly(message: QmpMessage, text: string): void {
    if (message.kind === 'event') this.#early.push({ message, text });
    this.#earlyCount += 1;
    this.#boundEarly();
  }

  #boundEarly(): void {
    const { maxEarly, maxEarlyBytes } = this.#limits;
    if (this.#earlyCount > maxEarly || this.#earlyBytes > maxEarlyBytes)
      this.#lose(
        new MonitorLost(
          'protocol',
          `more than ${maxEarly} messages or ${maxEarlyBytes} bytes before the negotiation reply`,
        ),
      );
  }

  #negotiate(session: QmpSession): void {
    this.#phase = { kind: 'negotiating', session };
    if (this.#socket instanceof TLSSocket && needsByteRecords(session.greeting))
      this.#records = new ByteRecords(this.#socket);
    this.#reportAfter(this.#limits.negotiationMs, 'stalled', 'greeted, but no answer to qmp_capabilities');
    const answer = (reply: { kind: string; desc?: string }) => {
      if (this.#over) return;
      if (reply.kind !== 'return')
        return this.#lose(new MonitorLost('protocol', `negotiation refused: ${reply.desc ?? reply.kind}`));
      clearTimeout(this.#deadline);
      this.#phase = { kind: 'open', session };
      this.#subscriber.next({ kind: 'open', session });
      for (const { message, text } of this.#early.splice(0)) session.receive(message, text);
    };
    const isOob = this.#limits.oob === true && session.greeting.capabilities.includes('oob');
    session.request('qmp_capabilities', isOob ? { enable: ['oob'] } : {}, answer, { timeoutMs: FOREVER_MS });
  }
}
