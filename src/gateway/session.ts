// One connection. In: text messages of one client. Out: replies, in any order, and the subscriptions it has. It sees its socket as an
// outbox and three functions; every decision about a message is `envelope`'s and `checkParams`'s.
import { type Answer, type Refusal, refuse } from '../protocol/answer.js';
import { formatCursor, parseCursor } from '../protocol/cursor.js';
import { LIMITS } from '../protocol/limits.js';
import type { MethodName, Methods, RpcId } from '../protocol/methods.js';
import { checkParams, isMethod } from '../protocol/schemas.js';
import type { EventLog } from '../stream/index.js';
import { readEnvelope } from './envelope.js';
import { type CompiledFilter, compileFilter } from './filter.js';
import { encodeFrame, shareFrame } from './frame.js';
import type { Hub } from './hub.js';
import { errorText, resultText } from './messages.js';
import type { Outbox } from './outbox.js';
import { type ProgressLanes, progressInterval } from './progress.js';
import { isStreamMethod, type PlainMethods } from './rpc.js';
import type { Snapshot, Snapshots } from './snapshot.js';
import type { Peer, Subscription } from './subscription.js';

export interface SessionDeps {
  log: EventLog;
  hub: Hub;
  progress: ProgressLanes;
  snapshots: Snapshots;
  methods: PlainMethods;
}

/** A reply that must not overtake the events before its cursor. */
interface Held {
  offset: number;
  send: () => void;
  timer: NodeJS.Timeout;
}

export class Session implements Peer {
  readonly outbox: Outbox;
  readonly subscriptions = new Map<string, Subscription>();
  readonly #deps: SessionDeps;
  readonly #inFlight = new Set<RpcId>();
  readonly #held = new Set<Held>();
  readonly #by: string;
  #closed = false;

  constructor(outbox: Outbox, by: string, deps: SessionDeps) {
    this.outbox = outbox;
    this.#by = by;
    this.#deps = deps;
  }

  receive(text: string): void {
    const envelope = readEnvelope(text);
    if (!envelope.ok) return this.#send(errorText(envelope.id, envelope.error));
    const { id, method, params } = envelope;
    if (this.#inFlight.has(id))
      return this.#send(errorText(id, refuse('INVALID_REQUEST', 'a request with this id is in flight').error));
    if (this.#inFlight.size >= LIMITS.inFlight)
      return this.#refuse(
        id,
        refuse('RATE_LIMITED', `at most ${LIMITS.inFlight} requests wait at once`, { retryAfterMs: 1_000 }).error,
      );
    if (!isMethod(method))
      return this.#refuse(id, refuse('METHOD_NOT_FOUND', `no method ${method.slice(0, 64)}`).error);
    const checked = checkParams(method, params);
    if (!checked.ok)
      return this.#refuse(
        id,
        refuse('INVALID_PARAMS', checked.problems.join('; ').slice(0, 1_000), {
          problems: checked.problems.slice(0, 32),
        }).error,
      );
    this.#dispatch(id, method, checked.params);
  }

  /** From the hub: something of this connection was read on. */
  advanced(): void {
    if (this.#held.size === 0) return;
    for (const held of [...this.#held]) if (this.#deps.hub.flush(this, held.offset)) this.#release(held);
  }

  /** The socket is gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.outbox.close();
    for (const held of this.#held) clearTimeout(held.timer);
    this.#held.clear();
    for (const subscription of [...this.subscriptions.values()]) this.#end(subscription);
  }

  #dispatch(id: RpcId, method: MethodName, params: object): void {
    if (isStreamMethod(method)) {
      if (method === 'subscribe') this.#subscribe(id, params as Methods['subscribe']['params']);
      else this.#unsubscribe(id, params as Methods['unsubscribe']['params']);
      return;
    }
    this.#inFlight.add(id);
    const receivedAt = performance.now();
    // checkParams has given this method its own params; the compiler can't follow the name.
    const call = this.#deps.methods[method] as (params: object, by: string) => Promise<Answer<unknown>>;
    call(params, this.#by).then(
      (answer) => this.#answer(id, answer, receivedAt + boundOf(params)),
      (error: unknown) =>
        this.#refuse(id, refuse('INTERNAL_ERROR', error instanceof Error ? error.message : 'unknown').error),
    );
  }

  #answer(id: RpcId, answer: Answer<unknown>, dueAt: number): void {
    if (this.#closed) return;
    if (!answer.ok) return this.#refuse(id, answer.error);
    const text = resultText(id, answer.result);
    const send = (): void => {
      this.#inFlight.delete(id);
      this.#send(text);
    };
    const position = positionOf(answer.result);
    if (position === undefined || this.#deps.hub.flush(this, position)) return send();
    // Parked: the events before the cursor go first, but nobody waits beyond the bound.
    const held: Held = {
      offset: position,
      send,
      timer: setTimeout(() => this.#release(held), Math.max(0, dueAt - performance.now())),
    };
    this.#held.add(held);
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return;
    clearTimeout(held.timer);
    held.send();
  }

  /** Reply, snapshot and joining the group are one turn: nothing can come between the cut and the first event. */
  #subscribe(id: RpcId, params: Methods['subscribe']['params']): void {
    const { log, hub, progress, snapshots } = this.#deps;
    const filter = compileFilter(params);
    const replaced = this.subscriptions.get(filter.id);
    if (!replaced && this.subscriptions.size >= LIMITS.subscriptions)
      return this.#refuse(
        id,
        refuse('RATE_LIMITED', `at most ${LIMITS.subscriptions} subscriptions a connection`, { retryAfterMs: 1_000 })
          .error,
      );
    if (replaced) this.#end(replaced);
    const after = this.#resumable(params.after, filter);
    const offset = after ?? log.head;
    const snapshot = after === undefined && params.snapshot !== false ? snapshots.take(filter, log.cursor) : undefined;
    const paged = snapshot !== undefined && snapshot.pages.length > 1;
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"subscription":"${filter.id}","cursor":"${formatCursor(log.epoch, offset)}","resumed":${after !== undefined},"sources":`;
    if (snapshot) this.#sendWith(head, snapshot);
    else this.#send(`${head}${snapshots.sources(filter)}}}`);
    const subscription: Subscription = {
      peer: this,
      filter,
      progressMs: progressInterval(params.progress),
      state: paged ? { kind: 'paging', snapshot, next: 0 } : { kind: 'behind' },
      examined: offset,
      nextFrame: 0,
    };
    hub.add(subscription);
    progress.add(subscription);
  }

  /** The offset to resume after, if everything since is still here. */
  #resumable(after: string | undefined, filter: CompiledFilter): number | undefined {
    const { log } = this.#deps;
    const position = after === undefined ? undefined : parseCursor(after);
    if (!position || position.epoch !== log.epoch) return undefined;
    return log.covers(position.offset, (source) => filter.wantsSource(source)) ? position.offset : undefined;
  }

  #unsubscribe(id: RpcId, { subscription: name }: Methods['unsubscribe']['params']): void {
    const subscription = this.subscriptions.get(name);
    if (!subscription)
      return this.#refuse(id, refuse('INVALID_PARAMS', 'subscription: no such subscription on this connection').error);
    this.#end(subscription);
    this.#send(resultText(id, {}));
  }

  #end(subscription: Subscription): void {
    this.#deps.progress.remove(subscription);
    this.#deps.hub.remove(subscription);
  }

  #refuse(id: RpcId, error: Refusal): void {
    this.#inFlight.delete(id);
    this.#send(errorText(id, error));
  }

  #sendWith(head: string, snapshot: Snapshot): void {
    if (this.#closed) return;
    snapshot.answer ??= shareFrame(`${snapshot.sources}${members(snapshot)}}}`);
    this.outbox.shareAfter(head, snapshot.answer);
  }

  #send(text: string): void {
    if (!this.#closed) this.outbox.write(encodeFrame(text));
  }
}

function members(snapshot: Snapshot): string {
  const [first] = snapshot.pages;
  if (snapshot.pages.length > 1 || !first) return `,"pages":${snapshot.pages.length}`;
  return `,"jobs":${first.jobs},"settled":${first.settled}`;
}

function boundOf(params: object): number {
  return 'timeoutMs' in params && typeof params.timeoutMs === 'number' ? params.timeoutMs : LIMITS.timeoutDefaultMs;
}

/** Only a settlement's reply has to wait for the events before its cursor; a request's consequences lie after it. */
function positionOf(result: unknown): number | undefined {
  if (typeof result !== 'object' || result === null || !('status' in result) || result.status !== 'settled')
    return undefined;
  return 'cursor' in result && typeof result.cursor === 'string' ? parseCursor(result.cursor)?.offset : undefined;
}
