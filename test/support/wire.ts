// A WebSocket client that records every frame in order. It shares no code with src/client.
import { once } from 'node:events';
import { TestRunner } from 'vitest';
import { type PerMessageDeflateOptions, WebSocket } from 'ws';
import { judgeMessage } from '../../src/conformance/frames.js';
import type {
  DryRun,
  Entry,
  MethodName,
  Methods,
  NotificationName,
  Notifications,
  RpcErrorBody,
} from '../../src/protocol/index.js';

export type Frame = {
  id?: string | number | null;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: RpcErrorBody;
};

/** Messages of one connection that are judged. */
const JUDGED = 300;

/** Messages that an error tells. */
const TOLD = 30;

/** The longest that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Milliseconds before the end of a test when a wait gives up, so that the failure tells what came instead of nothing. */
const BEFORE_THE_END_MS = 500;

/** Milliseconds that the running test has left, and no bound outside one. */
function leftMs(): number {
  const test = TestRunner.getCurrentTest();
  if (test === undefined) return Number.POSITIVE_INFINITY;
  return (test.result?.startTime ?? Date.now()) + test.timeout - Date.now();
}

export class WireError extends Error {
  readonly body: RpcErrorBody;
  constructor(body: RpcErrorBody) {
    super(`${body.code} ${body.message} ${JSON.stringify(body.data)}`);
    this.body = body;
  }
  get reason(): string | undefined {
    return this.body.data?.reason;
  }
}

export class Wire {
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly #watchers = new Set<() => void>();
  /** The method of each unanswered request. */
  readonly #asked = new Map<string | number, MethodName>();
  #next = 1;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as Frame;
      this.frames.push(frame);
      this.#judge(frame);
      this.#wake();
    });
    ws.on('error', () => undefined);
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
  }

  /** Events of all `events` frames so far, in the order received. */
  get events(): Entry[] {
    return this.notifications('events').flatMap(({ events }) => events);
  }

  notifications<Name extends NotificationName>(name: Name): Notifications[Name][] {
    return this.frames
      .filter(({ method }) => method === name)
      .map(({ params }) => params as unknown as Notifications[Name]);
  }

  /** The result, or a rejection with WireError. */
  async call<Name extends MethodName>(
    method: Name,
    params: Methods[Name]['params'],
  ): Promise<Exclude<Methods[Name]['result'], DryRun>> {
    const frame = await this.ask(method, params);
    if (frame.error) throw new WireError(frame.error);
    return frame.result as Exclude<Methods[Name]['result'], DryRun>;
  }

  /** Subscribes to all that the log has since its epoch began: what a source had said before this client came is not missed. */
  async subscribeFromStart(): Promise<void> {
    const { epoch } = await this.call('server.info', {});
    await this.call('subscribe', { after: `${epoch}:0` });
  }

  /** The whole reply frame. */
  ask(method: string, params: unknown, id: string | number = this.#next++): Promise<Frame> {
    this.#asked.set(id, method as MethodName);
    this.ws.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return this.frame((frame) => frame.id === id && frame.method === undefined);
  }

  /** The first frame, past or future, that fits. */
  async frame(fits: (frame: Frame) => boolean): Promise<Frame> {
    return this.until(() => this.frames.find(fits));
  }

  async event(fits: (entry: Entry) => boolean): Promise<Entry> {
    return this.until(() => this.events.find(fits));
  }

  typed(type: string, job?: string): Promise<Entry> {
    return this.event((entry) => entry.type === type && (job === undefined || entry.job?.id === job));
  }

  status(job: string, status: string): Promise<Entry> {
    return this.event(
      (entry) =>
        entry.type === 'JOB_STATUS_CHANGE' &&
        entry.job?.id === job &&
        (entry.data as { status: string }).status === status,
    );
  }

  /** Resolves with the first defined value; looks again after every frame. Rejects when the connection or, nearly, the test's time is over. */
  until<Value>(look: () => Value | undefined | false): Promise<Value> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const watch = (): void => {
        const value = look();
        if (value !== undefined && value !== false) resolve(value);
        else if (this.closed) reject(new Error(`closed ${this.closed.code} ${this.closed.reason}`));
        else return;
        clearTimeout(timer);
        this.#watchers.delete(watch);
      };
      this.#watchers.add(watch);
      watch();
      const waitMs = leftMs() - BEFORE_THE_END_MS;
      if (!this.#watchers.has(watch) || waitMs > MAX_TIMER_MS) return;
      timer = setTimeout(() => {
        this.#watchers.delete(watch);
        reject(new Error(`waited in vain; the last frames: ${this.#tail()}`));
      }, waitMs);
      timer.unref();
    });
  }

  async end(): Promise<{ code: number; reason: string }> {
    if (!this.closed) await once(this.ws, 'close');
    return this.closed ?? { code: 0, reason: '' };
  }

  close(): void {
    this.ws.terminate();
  }

  /** Every message is one that the published schemas have; an exception here fails the run. Floods are judged by their beginning. */
  #judge(frame: Frame): void {
    const { id, method } = frame;
    // A reply to what a test has sent by hand is the test's own matter.
    const isOwn = method === undefined && id !== null && id !== undefined && !this.#asked.has(id);
    if (this.frames.length > JUDGED || isOwn) return;
    const problems = judgeMessage(frame, (asked) => this.#asked.get(asked));
    if (problems.length > 0)
      throw new Error(`not of the wire: ${problems.join('; ')}: ${JSON.stringify(frame).slice(0, 500)}`);
  }

  /** The last frames, oldest first: of events their types only. */
  #tail(): string {
    const told = this.frames.slice(-TOLD).map(({ method, params, ...reply }) => {
      const { events } = (params ?? {}) as { events?: Entry[] };
      const named = events?.map(({ type, job, data }) =>
        `${type} ${job?.id ?? ''} ${JSON.stringify(data)}`.slice(0, 160),
      );
      return `${method ?? 'reply'} ${named?.join(', ') ?? JSON.stringify(params ?? reply).slice(0, 300)}`;
    });
    return told.join(' | ');
  }

  #wake(): void {
    for (const watch of [...this.#watchers]) watch();
  }
}

export async function connectWire(
  url: string,
  options: {
    origin?: string;
    host?: string;
    authorization?: string;
    protocols?: string[];
    /** As `ws` takes it; by default it offers to. */
    perMessageDeflate?: boolean | PerMessageDeflateOptions;
  } = {},
): Promise<Wire> {
  const headers = {
    ...(options.host !== undefined && { host: options.host }),
    ...(options.authorization !== undefined && { authorization: options.authorization }),
  };
  const ws = new WebSocket(`${url.replace('http', 'ws')}v1`, options.protocols ?? ['qmp-gateway.v1'], {
    headers,
    perMessageDeflate: options.perMessageDeflate ?? true,
    ...(options.origin !== undefined && { origin: options.origin }),
  });
  const wire = new Wire(ws);
  await once(ws, 'open');
  return wire;
}
