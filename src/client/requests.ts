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
  /** Milliseconds since 1970; earlier where the clock was set back meanwhile. */
  deadline: number;
  traceparent?: string | undefined;
  /** It was written to a connection, maybe to one that is lost by now. */
  wasSent?: boolean;
  resolve(result: unknown): void;
  reject(error: GatewayError): void;
}

/**
 * Of the requests that one connection may have in flight, those that others may not take: one is kept for the token, and three for subscriptions. What may
 * take more goes first.
 */
const keptFrom = ({ lane }: Pending): number => (lane === 'first' ? 1 : 4);

export class RequestTable {
  readonly #bound: number;
  #next = 1;
  #waiting: Pending[] = [];
  /** `undefined`: the caller has gone, and the server holds a place for the request until it answers. */
  readonly #sent = new Map<RpcId, Pending | undefined>();
  /** When deadlines were last looked at. */
  #now = 0;

  /** @param bound requests that may wait for a connection; more are refused. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** The earliest deadline; Infinity where there is none. */
  get nextDeadline(): number {
    return Math.min(...this.#all().map(({ deadline }) => deadline));
  }

  /** Whether requests wait for places that the server holds for callers who have gone: another connection has them. */
  get isClogged(): boolean {
    return this.#waiting.length > 0 && [...this.#sent.values()].filter((pending) => !pending).length >= IN_FLIGHT / 2;
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
    const taken = this.#waiting.filter((each, index) => this.#sent.size + index < IN_FLIGHT - keptFrom(each));
    this.#waiting.splice(0, taken.length);
    for (const pending of taken) {
      pending.wasSent = true;
      this.#sent.set(pending.id, pending);
    }
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
    const all = this.#all();
    const stays = ({ repeat, lane, wasSent }: Pending) => lane === 'queue' && (repeat === 'safe' || !wasSent);
    const gone = all.filter((pending) => !stays(pending));
    this.#clear();
    this.#insert(all.filter(stays));
    for (const { method, reject } of gone) reject(new ConnectionLost(method));
  }

  /** A clock that is set back postpones deadlines by no more than the time until the next call. */
  expire(now: number): void {
    const all = this.#all();
    for (const pending of all) pending.deadline -= Math.max(0, this.#now - now);
    this.#now = now;
    const late = all.filter(({ deadline }) => deadline <= now);
    for (const { id } of late) this.cancel(id);
    for (const { method, wasSent: sent = false, reject } of late)
      reject(clientError('NO_ANSWER', `${method} was not ${sent ? 'answered' : 'sent'}`, { method, sent }));
  }

  /** Removes a request whose caller has gone. */
  cancel(id: RpcId): void {
    if (this.#sent.has(id)) this.#sent.set(id, undefined);
    this.#waiting = this.#waiting.filter((pending) => pending.id !== id);
  }

  /** Removes one that could not be written after all. */
  withdraw(id: RpcId): void {
    this.#sent.delete(id);
  }

  /** Rejects all requests. */
  fail(error: GatewayError): void {
    const all = this.#all();
    this.#clear();
    for (const { reject } of all) reject(error);
  }

  #all(): Pending[] {
    return [...this.#sent.values(), ...this.#waiting].filter((pending): pending is Pending => !!pending);
  }

  #clear(): void {
    this.#sent.clear();
    this.#waiting = [];
  }

  #insert(added: Pending[]): void {
    this.#waiting = [...this.#waiting, ...added].sort(
      (a, b) => keptFrom(a) - keptFrom(b) || (a.id as number) - (b.id as number),
    );
  }
}
