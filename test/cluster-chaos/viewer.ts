// A user of the cluster: the repository's own client, with a record of what its connections brought and of what it gave to its user.
import { WebSocket } from 'ws';
import { type Client, createClient, GatewayError } from '../../src/client/node.js';
import type { AbortParams, Cursor, Entry, Filter, Notifications, Subscribed } from '../../src/protocol/index.js';
import type { Deafness } from '../chaos/deafness.js';
import { digestOf } from './digest.js';
import type { CallRecord, ClientRecord, Op, Shot } from './record.js';

/** Milliseconds without an event that count as a silence. */
const SILENCE_MS = 250;
/** Milliseconds before its bound at which an answer may overtake events. */
const NEAR_MS = 100;
const EVENTS = '{"jsonrpc":"2.0","method":"events"';

interface Frame {
  cursor: Cursor;
  offsets: number[];
  digests: number[];
}

/** Viewers with one filter on one edge get the same bytes: each text is read once. */
export class Frames {
  readonly #known = new Map<string, Frame>();

  read(text: string): Frame {
    const known = this.#known.get(text);
    if (known) return known;
    const { cursor, events } = (JSON.parse(text) as { params: Notifications['events'] }).params;
    const frame = { cursor, offsets: events.map(({ offset }) => offset), digests: events.map(digestOf) };
    if (this.#known.size > 1_000) this.#known.clear();
    this.#known.set(text, frame);
    return frame;
  }
}

export interface ViewerOptions {
  name: string;
  url: string;
  filter: Filter;
  /** Its events are steady, so that a silence says something. */
  isSteady: boolean;
  frames: Frames;
  deafness: Deafness;
  onEvents?: (events: readonly Entry[]) => void;
}

interface Sent {
  at: number;
  timeoutMs: number;
}

export class Viewer {
  readonly record: ClientRecord;
  readonly calls: CallRecord[] = [];
  readonly #options: ViewerOptions;
  readonly #client: Client;
  /** Numbers of the subscribe requests and calls of the present connection. */
  readonly #subscribes = new Map<unknown, Cursor | undefined>();
  readonly #sent = new Map<unknown, Sent>();
  #socket: WebSocket | undefined;
  #lastEvent = 0;
  #cuts = 0;
  #cursor: Cursor | undefined;
  #isFrozen = false;
  /** It ended for good. */
  error: string | undefined;

  constructor(options: ViewerOptions) {
    this.#options = options;
    const { name, url, filter, onEvents } = options;
    this.record = { name, filter, ops: [], silences: [], given: { events: 0, gaps: 0 } };
    const opened = (socket: WebSocket): void => this.#opened(socket);
    const sending = (text: string): void => this.#sending(text);
    class Tapped extends WebSocket {
      constructor(where: string, protocols?: string | string[]) {
        super(where, protocols, { perMessageDeflate: false });
        opened(this);
      }
      override send(data: string): void {
        sending(data);
        super.send(data);
      }
    }
    this.#client = createClient({ url, WebSocket: Tapped });
    const { given } = this.record;
    this.#client.subscribe(filter, {
      snapshot: () => undefined,
      events: (events) => {
        if (!this.#isFrozen) given.events += events.length;
        onEvents?.(events);
      },
      gap: () => {
        given.gaps += 1;
      },
      error: ({ message }) => {
        this.error = message;
      },
    });
  }

  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  get isOpen(): boolean {
    return this.#client.state.phase === 'open';
  }

  /** Nothing more is recorded. */
  freeze(): void {
    this.#isFrozen = true;
  }

  close(): void {
    this.#client.close();
  }

  async abort(params: AbortParams & { timeoutMs: number; sync: boolean; force: boolean }): Promise<void> {
    const { source, job, sync, force, timeoutMs } = params;
    const answer = { kind: 'none' } as const;
    const record: CallRecord = {
      who: this.record.name,
      source,
      job,
      sync,
      force,
      timeoutMs,
      tookMs: 0,
      cut: false,
      answer,
    };
    this.calls.push(record);
    const began = performance.now();
    const cuts = this.#cuts;
    const wasOpen = this.isOpen;
    await this.#client.abort(params).then(
      (result) => {
        record.answer = { kind: 'result', result: { ...result } };
      },
      (error: unknown) => {
        const { reason, code } = error instanceof GatewayError ? error : { reason: String(error), code: 0 };
        record.answer = { kind: 'error', reason, isServers: code < 0 };
      },
    );
    const now = performance.now();
    record.tookMs = now - began - this.#options.deafness.within(began, now);
    record.cut = !wasOpen || this.#cuts !== cuts;
  }

  #log(op: Op): void {
    if (!this.#isFrozen) this.record.ops.push(op);
  }

  #opened(socket: WebSocket): void {
    this.#socket = socket;
    this.#subscribes.clear();
    this.#sent.clear();
    let isSubscribed = false;
    // Before the client's own listeners, which are added later.
    socket.on('message', (data: Buffer) => {
      if (this.#socket !== socket) return;
      const kind = this.#take(data.toString());
      isSubscribed ||= kind === 'subscribed';
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#cuts += 1;
      if (this.#socket === socket && isSubscribed) this.#log({ kind: 'cut' });
    });
  }

  #sending(text: string): void {
    const { id, method, params } = JSON.parse(text);
    if (method === 'subscribe') this.#subscribes.set(id, params.after);
    if (method === 'job.abort') this.#sent.set(id, { at: performance.now(), timeoutMs: params.timeoutMs });
  }

  #take(text: string): Op['kind'] | undefined {
    if (text.startsWith(EVENTS)) {
      const frame = this.#options.frames.read(text);
      this.#log({ kind: 'events', ...frame });
      this.#cursor = frame.cursor;
      this.#heard();
      return 'events';
    }
    const { id, method, params, result } = JSON.parse(text);
    if (method === 'bookmark') this.#log({ kind: 'bookmark', cursor: params.cursor });
    else if (method === 'snapshot') this.#log({ kind: 'page', last: params.last, shot: shotOf(params) });
    else if (method === 'reset') {
      const { reason, cursor, pages } = params as Notifications['reset'];
      this.#log({ kind: 'reset', reason, cursor, shot: shotOf(params), pages });
    } else if (this.#subscribes.has(id) && result) {
      const { cursor, resumed, jobs, pages } = result as Subscribed;
      const shot = jobs && shotOf(result);
      this.#log({ kind: 'subscribed', after: this.#subscribes.get(id), cursor, resumed, shot, pages });
      this.#cursor = cursor;
      return 'subscribed';
    } else this.#answered(id, result);
    return undefined;
  }

  #answered(id: unknown, result: { status?: string; cursor?: Cursor } | undefined): void {
    const sent = this.#sent.get(id);
    this.#sent.delete(id);
    if (!sent || result?.status !== 'settled' || result.cursor === undefined) return;
    this.#log({
      ...{ kind: 'answer', cursor: result.cursor },
      late: performance.now() - sent.at >= sent.timeoutMs - NEAR_MS,
    });
  }

  #heard(): void {
    if (!this.#options.isSteady) return;
    const now = Date.now();
    if (this.#lastEvent > 0 && now - this.#lastEvent > SILENCE_MS)
      this.record.silences.push({ from: this.#lastEvent, to: now });
    this.#lastEvent = now;
  }
}

function shotOf({ jobs = [], settled = [] }: Pick<Subscribed, 'jobs' | 'settled'>): Shot {
  return {
    jobs: jobs.map(({ source, job, run, settled: end }) => ({ source, job, run, isSettled: end !== undefined })),
    settled: settled.map(({ run, cursor }) => ({ run, cursor })),
  };
}
