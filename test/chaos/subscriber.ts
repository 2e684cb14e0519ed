// A client on a real WebSocket that records everything it gets, and resumes where its connection was cut.
import { WebSocket } from 'ws';
import type { AbortParams, Cursor, Entry, Filter, Notifications, Subscribed } from '../../src/protocol/index.js';
import type { Deafness } from './deafness.js';
import type { Dice } from './dice.js';
import { positionOf } from './log.js';
import type { AbortAnswer, AbortRecord, Op, SubscriberRecord } from './record.js';

/** `silent` never reads after its subscription until the end; `slow` stops reading now and then; `cutter` hangs up and resumes. */
export type Temper = 'healthy' | 'cutter' | 'slow' | 'silent';

interface EventsFrame {
  cursor: Cursor;
  events: Entry[];
}

/** Most subscribers get the same bytes: parsed once, kept once. What differs from the first is kept as it is, for the checker to find. */
export class Interner {
  readonly #frames = new Map<string, EventsFrame>();
  readonly #entries = new Map<string, Entry[]>();

  events(text: string): EventsFrame {
    const known = this.#frames.get(text);
    if (known) return known;
    const { cursor, events } = (JSON.parse(text) as { params: Notifications['events'] }).params;
    const { epoch } = positionOf(cursor);
    let entries = this.#entries.get(epoch);
    if (!entries) {
      entries = [];
      this.#entries.set(epoch, entries);
    }
    for (const [index, event] of events.entries()) {
      const first = entries[event.offset];
      if (!first) entries[event.offset] = event;
      else if (JSON.stringify(first) === JSON.stringify(event)) events[index] = first;
    }
    if (this.#frames.size > 2_000) this.#frames.clear();
    this.#frames.set(text, { cursor, events });
    return { cursor, events };
  }
}

const EVENTS = '{"jsonrpc":"2.0","method":"events"';

interface Pending {
  record: AbortRecord;
  sentAt: number;
  resolve: () => void;
}

export interface SubscriberOptions {
  name: string;
  filter: Filter;
  temper: Temper;
  url: string;
  progress: boolean;
  /** Takes compressed messages. */
  compression?: boolean;
  dice: Dice;
  interner: Interner;
  /** What this process could not hear past an answer's bound is not the gateway's delay. */
  deafness: Deafness;
  /** Subscribes from the very first entry of an epoch. */
  fromTheStart?: boolean;
}

export class Subscriber {
  readonly record: SubscriberRecord;
  readonly aborts: AbortRecord[] = [];
  readonly temper: Temper;
  /**
   * Whether its answers are heard when they come. `ws` inflates ten messages at a time, of all connections together: behind somebody who
   * reads on after minutes, a line that takes compressed messages is heard seconds later in this process.
   */
  readonly isPrompt: boolean;
  /** Every event as it comes. */
  onEvent: (entry: Entry, epoch: string) => void = () => undefined;
  readonly #options: SubscriberOptions;
  readonly #pending = new Map<string, Pending>();
  #ws: WebSocket | undefined;
  #cursor: Cursor | undefined;
  #paging = false;
  #subscribed = false;
  #stopped = false;
  #forgetful = false;
  #next = 1;
  #readsOn = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.temper = options.temper;
    this.isPrompt = options.compression !== true;
    this.record = { name: options.name, filter: options.filter, ops: [], complete: true };
  }

  get cursor(): Cursor | undefined {
    return this.#cursor;
  }
  /** Subscribed, with its whole snapshot. */
  get settled(): boolean {
    return this.#subscribed && !this.#paging;
  }
  get subscribed(): boolean {
    return this.#subscribed;
  }

  connect(): void {
    const ws = new WebSocket(this.#options.url, ['qmp-gateway.v1'], {
      perMessageDeflate: this.#options.compression === true,
    });
    this.#ws = ws;
    ws.on('open', () => this.#open());
    ws.on('message', (data) => this.#take(data.toString()));
    ws.on('error', () => undefined);
    ws.on('close', () => this.#over(ws));
  }

  cut(forgetful: boolean): void {
    this.#forgetful = forgetful;
    this.#ws?.terminate();
  }
  pause(): void {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.pause();
  }
  resume(): void {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.resume();
  }
  /** Reads from now on, whatever its temper and however often it has to connect. */
  readOn(): void {
    this.#readsOn = true;
    this.resume();
  }

  close(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#ws?.terminate();
  }

  /** Resolves with the answer, or when the connection is over. */
  abort(method: 'job.abort' | 'job.wait', params: AbortParams & { timeoutMs: number }): Promise<void> {
    const { source, job, sync = method === 'job.wait', timeoutMs } = params;
    const record: AbortRecord = { source, job, sync, timeoutMs, tookMs: 0, answer: { kind: 'none' } };
    this.aborts.push(record);
    return new Promise((resolve) => {
      const id = `abort${this.#next++}`;
      this.#pending.set(id, { record, sentAt: performance.now(), resolve });
      this.#send(id, method, params);
    });
  }

  /** An unanswered call is recorded as such. */
  giveUp(): void {
    for (const { record, sentAt } of this.#pending.values()) record.tookMs = performance.now() - sentAt;
  }

  #send(id: string, method: string, params: unknown): void {
    this.#ws?.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }), () => undefined);
  }

  #open(): void {
    if (this.#options.fromTheStart) return this.#send('info', 'server.info', {});
    if (this.#forgetful || this.#paging) this.#cursor = undefined;
    this.#forgetful = false;
    this.#subscribe(this.#cursor);
  }

  #subscribe(after: Cursor | undefined): void {
    const { filter, progress } = this.#options;
    this.#asked = after;
    this.#send('subscribe', 'subscribe', {
      ...filter,
      ...(after !== undefined && { after }),
      ...(progress && { progress: 250 }),
    });
  }
  #asked: Cursor | undefined;

  #over(ws: WebSocket): void {
    if (this.#ws !== ws) return;
    if (this.#subscribed) this.#log({ kind: 'cut' });
    this.#subscribed = false;
    for (const [id, { record, sentAt, resolve }] of this.#pending) {
      Object.assign(record, { tookMs: performance.now() - sentAt, answer: { kind: 'cut' } });
      this.#pending.delete(id);
      resolve();
    }
    if (!this.#stopped) this.#retry = setTimeout(() => this.connect(), this.#options.dice.between(10, 300));
  }

  #log(op: Op): void {
    this.record.ops.push(op);
  }

  #take(text: string): void {
    if (text.startsWith(EVENTS)) {
      const { cursor, events } = this.#options.interner.events(text);
      this.#log({ kind: 'events', cursor, events });
      this.#cursor = cursor;
      const { epoch } = positionOf(cursor);
      for (const event of events) this.onEvent(event, epoch);
      return;
    }
    const frame = JSON.parse(text);
    if (frame.method) this.#notified(frame.method, frame.params as never);
    else this.#answered(frame);
  }

  #notified(method: string, params: never): void {
    if (method === 'bookmark') {
      const { cursor } = params as Notifications['bookmark'];
      this.#log({ kind: 'bookmark', cursor });
      if (!this.#paging && this.#subscribed) this.#cursor = cursor;
    } else if (method === 'progress') this.#log({ kind: 'progress', rows: (params as Notifications['progress']).jobs });
    else if (method === 'snapshot') {
      const { page, last, cursor, jobs, settled = [] } = params as Notifications['snapshot'];
      this.#log({ kind: 'page', page, last, cursor, jobs, settled });
      this.#paging = !last;
    } else if (method === 'reset') {
      const { cursor, jobs, settled, pages } = params as Notifications['reset'];
      this.#log({ kind: 'reset', cursor, jobs, settled, pages });
      this.#cursor = cursor;
      this.#paging = pages !== undefined;
    }
  }

  #answered(frame: { id: string; result?: Record<string, unknown>; error?: never }): void {
    if (frame.id === 'info') {
      const epoch = String(frame.result?.epoch);
      const mine = this.#cursor !== undefined && positionOf(this.#cursor).epoch === epoch ? this.#cursor : `${epoch}:0`;
      return this.#subscribe(mine);
    }
    if (frame.id === 'subscribe') {
      if (!frame.result) throw new Error(`${this.record.name}: subscribe was refused: ${JSON.stringify(frame.error)}`);
      const { cursor, resumed, jobs, settled, pages } = frame.result as unknown as Subscribed;
      this.#log({ kind: 'subscribed', after: this.#asked, cursor, resumed, jobs, settled, pages });
      this.#cursor = cursor;
      this.#paging = pages !== undefined;
      this.#subscribed = true;
      if (this.temper === 'silent' && !this.#readsOn) this.pause();
      return;
    }
    const pending = this.#pending.get(frame.id);
    if (!pending) return;
    this.#pending.delete(frame.id);
    const { record, sentAt, resolve } = pending;
    const answer: AbortAnswer = frame.result
      ? { kind: 'result', result: frame.result }
      : { kind: 'error', error: frame.error as never };
    const now = performance.now();
    const deaf = this.#options.deafness.within(sentAt + record.timeoutMs, now);
    Object.assign(record, { tookMs: now - sentAt - deaf, answer });
    if (frame.result?.status === 'settled')
      this.#log({ kind: 'answer', cursor: String(frame.result.cursor), late: record.tookMs >= record.timeoutMs - 50 });
    resolve();
  }
}
