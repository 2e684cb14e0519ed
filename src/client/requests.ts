// The requests that wait to be sent or answered, over a series of connections. It has no I/O and no clock: its caller reports what happened and gets
// what to send.
import { IN_FLIGHT } from '../protocol/limits.js';
import type { RpcFailure, RpcId, RpcResult } from '../protocol/methods.js';
import { ConnectionLost, clientError, type GatewayError, serverError } from './errors.js';

export interface Pending {
  id: RpcId;
  method: string;
  /** Params as of the time of sending: a bound that counts from the call shrinks with every repetition. */
  params(now: number): unknown;
  /** `safe`: sent again on the next connection. `never`: rejected with ConnectionLost once it was sent. */
  repeat: 'safe' | 'never';
  /** Subscriptions go first and don't count towards the queue's bound. */
  lane: 'first' | 'queue';
  /** Milliseconds since 1970. */
  deadline: number;
  traceparent?: string | undefined;
  resolve(result: unknown): void;
  reject(error: GatewayError): void;
}

export class RequestTable {
  readonly #bound: number;
  #next = 1;
  #waiting: Pending[] = [];
  readonly #sent = new Map<RpcId, Pending>();

  /** @param bound requests that may wait for a connection; more are refused. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** The earliest deadline; Infinity where there is none. */
  get nextDeadline(): number {
    return Math.min(...[...this.#waiting, ...this.#sent.values()].map(({ deadline }) => deadline));
  }

  add(request: Omit<Pending, 'id'>): RpcId {
    const pending: Pending = { ...request, id: this.#next++ };
    const queued = this.#waiting.filter(({ lane }) => lane === 'queue').length;
    if (pending.lane === 'queue' && queued >= this.#bound) {
      pending.reject(clientError('QUEUE_FULL', `${queued} requests wait already`, { method: pending.method }));
    } else this.#insert([pending]);
    return pending.id;
  }

  /** The requests to send now, at most as many as the server lets one connection have in flight. */
  take(): Pending[] {
    const taken = this.#waiting.splice(0, Math.max(0, IN_FLIGHT - this.#sent.size));
    for (const pending of taken) this.#sent.set(pending.id, pending);
    return taken;
  }

  /** Resolves or rejects the request that the reply answers. A reply to a request that timed out or was cancelled is ignored. */
  settle(reply: RpcResult | RpcFailure): void {
    if (reply.id === null) return;
    const pending = this.#sent.get(reply.id);
    this.#sent.delete(reply.id);
    if ('error' in reply) pending?.reject(serverError(reply.error));
    else pending?.resolve(reply.result);
  }

  /**
   * The connection is lost: requests that may be repeated or were never sent wait for the next, in their order; the others are rejected.
   * Subscriptions belong to their connection: a late unsubscribe could end the new subscription, which may have the same name.
   */
  drop(): void {
    const all = [...this.#sent.values(), ...this.#waiting];
    const stays = ({ id, repeat, lane }: Pending) => lane === 'queue' && (repeat === 'safe' || !this.#sent.has(id));
    const gone = all.filter((pending) => !stays(pending));
    this.#waiting = [];
    this.#insert(all.filter(stays));
    this.#sent.clear();
    for (const { method, reject } of gone) reject(new ConnectionLost(method));
  }

  expire(now: number): void {
    const late = [...this.#waiting, ...this.#sent.values()].filter(({ deadline }) => deadline <= now);
    const wasSent = new Set(this.#sent.keys());
    for (const { id } of late) this.cancel(id);
    for (const { id, method, reject } of late) {
      const sent = wasSent.has(id);
      reject(clientError('NO_ANSWER', `${method} was not ${sent ? 'answered' : 'sent'}`, { method, sent }));
    }
  }

  /** Removes a request whose caller has gone. */
  cancel(id: RpcId): void {
    this.#sent.delete(id);
    this.#waiting = this.#waiting.filter((pending) => pending.id !== id);
  }

  /** Rejects all requests. */
  fail(error: GatewayError): void {
    const all = [...this.#sent.values(), ...this.#waiting];
    this.#sent.clear();
    this.#waiting = [];
    for (const { reject } of all) reject(error);
  }

  #insert(added: Pending[]): void {
    const rank = ({ lane }: Pending): number => (lane === 'first' ? 0 : 1);
    this.#waiting = [...this.#waiting, ...added].sort((a, b) => rank(a) - rank(b) || Number(a.id) - Number(b.id));
  }
}
