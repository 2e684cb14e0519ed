// The calls to one domain: one at a time, each within the budget of its libvirtd, none repeated. A call whose caller has given up is not withdrawn
// from libvirtd, which goes on with it: until its answer no other call to the domain is written.
import type { Clock } from '../../clock.js';
import type { CallBudget, CallLane } from './budget.js';
import type { LibvirtConnection, LibvirtReply } from './connection.js';
import type { Procedure } from './procedures.js';

/** `unsent` and `busy`: it was never written. */
export type CallReply<Result> =
  | LibvirtReply<Result>
  | { kind: 'timeout'; sent: boolean }
  | { kind: 'unsent' }
  | { kind: 'busy' };

export interface CallOptions<Result> {
  lane: CallLane;
  /** Milliseconds from now to the reply, with the wait to be written. */
  timeoutMs: number;
  /** Called as it is written. */
  written?: (() => void) | undefined;
  /** Called once. */
  answer: (reply: CallReply<Result>) => void;
}

interface Queued {
  write: (answer: (reply: LibvirtReply<never>) => void) => void;
  lane: CallLane;
  answer: (reply: CallReply<never>) => void;
  written: (() => void) | undefined;
  stop: () => void;
}

const LANES: readonly CallLane[] = ['abort', 'verb', 'query'];
/** Calls of one lane that may wait. */
const MAX_QUEUED = 256;

type Caller = Pick<LibvirtConnection, 'call' | 'isSilent'>;

export interface CallHooks {
  /** Called when a call is unanswered for longer than the budget has it among the fresh ones, and when it is answered. */
  owes: (is: boolean) => void;
  /** Passes on what libvirtd sent, in its order. */
  inOrder: (action: () => void) => void;
}

export class DomainCalls {
  readonly #connection: Caller;
  readonly #budget: CallBudget;
  readonly #clock: Clock;
  readonly #hooks: CallHooks;
  readonly #queued: Readonly<Record<CallLane, Set<Queued>>> = { abort: new Set(), verb: new Set(), query: new Set() };
  #inFlight: Queued | undefined;
  /** Of the request for a place, while nothing is in flight. */
  #asking: { lane: CallLane; withdraw: () => void } | undefined;
  #isLate = false;
  #closed = false;

  constructor(connection: Caller, budget: CallBudget, clock: Clock, hooks: CallHooks) {
    this.#connection = connection;
    this.#budget = budget;
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** @returns withdraws the call if it is not yet written; then it is not answered. It returns `false` if it is written or answered. */
  send<Args, Result>(
    procedure: Procedure<Args, Result>,
    args: Args,
    { lane, timeoutMs, written, answer }: CallOptions<Result>,
  ): () => boolean {
    const queue = this.#queued[lane];
    if (this.#closed || queue.size >= MAX_QUEUED) {
      answer(this.#closed ? { kind: 'unsent' } : { kind: 'busy' });
      return () => false;
    }
    const queued: Queued = {
      write: (reply) => this.#connection.call(procedure, args, reply as (reply: LibvirtReply<Result>) => void),
      lane,
      answer: answer as Queued['answer'],
      written,
      stop: this.#clock.after(timeoutMs, () => this.#expire(queued)),
    };
    queue.add(queued);
    this.#ask();
    return () => {
      if (!queue.delete(queued)) return false;
      queued.stop();
      return true;
    };
  }

  /** libvirtd answers pings again. */
  resume(): void {
    this.#ask();
  }

  /** The connection is lost, or nobody listens. Calls that wait are answered as unsent; the one in flight keeps its place until its answer. */
  close(): void {
    this.#closed = true;
    this.#asking?.withdraw();
    this.#asking = undefined;
    for (const lane of LANES)
      for (const queued of [...this.#queued[lane]]) {
        this.#queued[lane].delete(queued);
        queued.stop();
        queued.answer({ kind: 'unsent' });
      }
  }

  #first(): Queued | undefined {
    for (const lane of LANES) for (const queued of this.#queued[lane]) return queued;
    return undefined;
  }

  #ask(): void {
    if (this.#closed || this.#inFlight || this.#connection.isSilent) return;
    const lane = this.#first()?.lane;
    if (lane === undefined || lane === this.#asking?.lane) return;
    this.#asking?.withdraw();
    this.#asking = { lane, withdraw: () => {} };
    const withdraw = this.#budget.request(
      lane,
      (place) => {
        this.#asking = undefined;
        const next = this.#closed || this.#connection.isSilent ? undefined : this.#first();
        if (next) this.#write(next, place.release);
        else place.release();
      },
      () => this.#late(true),
    );
    if (this.#asking) this.#asking = { lane, withdraw };
  }

  #write(next: Queued, release: () => void): void {
    this.#queued[next.lane].delete(next);
    this.#inFlight = next;
    next.written?.();
    next.write((reply) => {
      this.#inFlight = undefined;
      next.stop();
      this.#late(false);
      this.#hooks.inOrder(() => next.answer(reply));
      release();
      this.#ask();
    });
  }

  #late(is: boolean): void {
    if (this.#isLate === is) return;
    this.#isLate = is;
    if (!this.#closed) this.#hooks.owes(is);
  }

  #expire(queued: Queued): void {
    const { answer } = queued;
    queued.answer = () => {};
    answer({ kind: 'timeout', sent: !this.#queued[queued.lane].delete(queued) });
  }
}
