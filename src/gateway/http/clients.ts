// The connected clients, by WebSocket or event stream: how many there may be, their life signs, and their end.
import type { Transport } from '../../access/index.js';
import type { Clock } from '../../clock.js';
import type { CloseCode } from '../../protocol/codes.js';
import type { GatewayLimits } from '../limits.js';
import type { GatewayRecorder } from '../recorder.js';
import { Heartbeat, type HeartbeatPeer } from '../session/heartbeat.js';
import { isLocalPeer, peerOf } from '../session/peer.js';
import { AddressRates } from '../session/rates.js';
import { type Refusal, retryAfter } from './upgrade.js';

export interface Client extends HeartbeatPeer {
  /** Bytes that the kernel has not taken. */
  readonly pending: number;
  /** An orderly end, after everything that was produced. */
  bye(code: CloseCode, reason: string, retryAfterMs: number): void;
  /** Closes at once, for a peer that does not read. */
  kill(code: CloseCode, reason: string): void;
}

export class Clients {
  readonly #limits: GatewayLimits;
  readonly #clock: Clock;
  readonly #recorder: GatewayRecorder;
  readonly #clients = new Set<Client>();
  readonly #heartbeat: Heartbeat;
  readonly #rates: AddressRates;
  #isClosing = false;

  constructor(limits: GatewayLimits, clock: Clock, recorder: GatewayRecorder) {
    this.#limits = limits;
    this.#clock = clock;
    this.#recorder = recorder;
    this.#heartbeat = new Heartbeat(limits.bookmarkMs, clock);
    this.#rates = new AddressRates(() => ({ perSecond: limits.connectionsPerSecond, burst: limits.connectionsBurst }));
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Of all clients. */
  get unsentBytes(): number {
    let sum = 0;
    for (const { pending } of this.#clients) sum += pending;
    return sum;
  }

  /** Whether nothing new is begun. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Milliseconds over which as many clients as there are now should come again. */
  get spreadMs(): number {
    return Math.max(1_000, (this.#clients.size / this.#limits.reconnectsPerSecond) * 1_000);
  }

  /** Why no more client may come from there; one that may is counted. */
  judge({ address }: Transport): Refusal | undefined {
    const full = this.judgeRoom();
    if (full) return full;
    const { limitLoopback, connectionsPerSecond } = this.#limits;
    const peer = peerOf(address);
    const wait = isLocalPeer(peer) && !limitLoopback ? 0 : this.#rates.take(peer, this.#clock.now());
    if (wait === 0) return undefined;
    this.#recorder.limited('upgrades_rate');
    return { status: 429, why: `at most ${connectionsPerSecond} connections a second`, headers: retryAfter(wait) };
  }

  /** Why no more client may come at all. */
  judgeRoom(): Refusal | undefined {
    if (this.#isClosing) return { status: 503, why: 'the gateway is closing', headers: retryAfter(1_000) };
    const { connections } = this.#limits;
    if (this.#clients.size < connections) return undefined;
    this.#recorder.limited('connections');
    return { status: 503, why: `at most ${connections} connections`, headers: retryAfter(5_000) };
  }

  add(client: Client): void {
    this.#clients.add(client);
    this.#heartbeat.add(client);
  }

  remove(client: Client): void {
    this.#clients.delete(client);
    this.#heartbeat.remove(client);
  }

  /** From here on none comes, and no life sign is sent. */
  close(): void {
    this.#isClosing = true;
    this.#heartbeat.close();
  }

  /** The end of each, with a time to come again that differs from client to client. */
  bye(code: CloseCode, reason: string): void {
    const { spreadMs } = this;
    for (const client of this.#clients) client.bye(code, reason, Math.round(this.#clock.random() * spreadMs));
  }

  kill(code: CloseCode, reason: string): void {
    for (const client of this.#clients) client.kill(code, reason);
  }
}
