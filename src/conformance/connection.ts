// A WebSocket to the server that records and judges every message, and whose waits are bounded. It shares no code with src/client.
import type { RawData, WebSocket } from 'ws';
import type { MethodName, Methods, NotificationName, Notifications, RpcErrorBody } from '../protocol/methods.js';
import type { Entry } from '../protocol/types.js';
import { judgeMessage } from './frames.js';
import type { Timer } from './timer.js';
import { ClauseFailed, check, NotTried } from './verdict.js';

export interface Frame {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: RpcErrorBody;
}

export interface ConnectionOptions {
  /** Milliseconds of a wait. */
  readonly timeoutMs: number;
  /** Milliseconds without a message after which the server counts as having sent all that it has. */
  readonly quietMs: number;
  readonly timer: Timer;
  /** Whether the server has a feature. */
  readonly has: (feature: string) => boolean;
  /** Gets a line for each message, sent or received. */
  readonly record: (line: string) => void;
}

/** Parts of {@link Connection.quiet}: data that waits in the kernel while this process is busy is read between two of them. */
const QUIET_PARTS = 5;

export class Connection {
  readonly frames: Frame[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** The server's `Sec-WebSocket-Extensions`. */
  extensions: string | undefined;
  /** What is wrong with the messages received. */
  readonly problems: string[] = [];
  readonly #ws: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #watchers = new Set<() => void>();
  /** Requests without a result. */
  readonly #asked = new Map<string | number, MethodName>();
  #next = 1;

  constructor(ws: WebSocket, options: ConnectionOptions) {
    this.#ws = ws;
    this.#options = options;
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('upgrade', ({ headers }) => {
      this.extensions = headers['sec-websocket-extensions'];
    });
    ws.on('pong', (data) => {
      this.pongs.push(data.toString());
      this.#wake();
    });
    ws.on('error', () => undefined);
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      options.record(`← close ${code} ${this.closed.reason}`);
      this.#wake();
    });
  }

  /** Payloads of the pongs received. */
  readonly pongs: string[] = [];

  get protocol(): string {
    return this.#ws.protocol;
  }

  send(data: string | Buffer): void {
    this.#options.record(`→ ${typeof data === 'string' ? data : `${data.length} bytes, binary`}`);
    this.#ws.send(data);
  }

  ping(payload: string): void {
    this.#ws.ping(payload);
  }

  /** Ends the TCP connection without a close frame. */
  cut(): void {
    this.#ws.terminate();
  }

  /** Sends a request. @returns its id. */
  request(method: string, params: unknown, id: string | number = this.#next++): string | number {
    this.#asked.set(id, method as MethodName);
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return id;
  }

  /** The whole reply to a request. */
  async ask(method: string, params: unknown, id?: string | number): Promise<Frame> {
    const from = this.frames.length;
    const asked = this.request(method, params, id);
    return this.reply(asked, from);
  }

  /** @param from index of the first frame that may be it. */
  reply(id: string | number | null, from = 0, ms?: number): Promise<Frame> {
    const isReply = (frame: Frame): boolean => frame.method === undefined && frame.id === id;
    return this.until(`reply to ${JSON.stringify(id)}`, () => this.frames.slice(from).find(isReply), ms);
  }

  /** The result. An error fails the clause. */
  async call<Name extends MethodName>(method: Name, params: Methods[Name]['params']): Promise<Methods[Name]['result']> {
    const { result, error } = await this.ask(method, params);
    check(!error, () => `${method} was refused: ${JSON.stringify(error)}`);
    return result as Methods[Name]['result'];
  }

  /** The error, whose reason must be this one. */
  async refused(reason: string, method: string, params: unknown): Promise<RpcErrorBody> {
    const { error } = await this.ask(method, params);
    check(error, () => `${method} with ${brief(params)} succeeded, where ${reason} was expected`);
    check(error.data?.reason === reason, () => `expected ${reason}, got ${JSON.stringify(error)}`);
    return error;
  }

  notifications<Name extends NotificationName>(name: Name, from = 0): Notifications[Name][] {
    return this.frames
      .slice(from)
      .filter(({ method }) => method === name)
      .map(({ params }) => params as unknown as Notifications[Name]);
  }

  /** Entries received for a subscription, in the order received. @param to index of the first frame that no longer counts. */
  events(subscription: string, to = this.frames.length, from = 0): Entry[] {
    return this.frames
      .slice(from, to)
      .filter(({ method, params }) => method === 'events' && params?.subscription === subscription)
      .flatMap(({ params }) => params?.events as Entry[]);
  }

  /**
   * The first defined value; looks again after every message. Fails the clause after the bound, at a message that is not of the wire, and at a close
   * unless that is what is waited for.
   */
  until<Value>(
    what: string,
    look: () => Value | undefined | false,
    ms = this.#options.timeoutMs,
    mayClose = false,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        cancel();
        this.#watchers.delete(watch);
      };
      const watch = (): void => {
        const value = look();
        const [problem] = this.problems;
        const failed =
          problem ??
          (this.closed && !mayClose
            ? `closed with ${this.closed.code} ${this.closed.reason} before: ${what}`
            : undefined);
        if (value !== undefined && value !== false) resolve(value);
        else if (failed !== undefined) reject(new ClauseFailed(failed));
        else return;
        end();
      };
      const cancel = this.#options.timer(ms, () => {
        end();
        reject(new ClauseFailed(`within ${ms} ms there was no ${what}`));
      });
      this.#watchers.add(watch);
      watch();
    });
  }

  /** As {@link until}; without the value within the bound the clause is not tried: the server had no occasion. */
  async occasion<Value>(what: string, look: () => Value | undefined | false, ms?: number): Promise<Value> {
    try {
      return await this.until(what, look, ms);
    } catch (error) {
      if (this.problems.length > 0 || this.closed) throw error;
      throw new NotTried(error instanceof Error ? error.message : what);
    }
  }

  /** The close by the server. */
  end(): Promise<{ code: number; reason: string }> {
    return this.until('close', () => this.closed, undefined, true);
  }

  /** Resolves when no message came for `quietMs`; where events never cease, after four times that. */
  async quiet(): Promise<void> {
    const { quietMs, timer } = this.#options;
    const part = Math.ceil(quietMs / QUIET_PARTS);
    let silent = 0;
    for (let waited = 0; silent < QUIET_PARTS && waited < 4 * quietMs; waited += part) {
      const before = this.frames.length;
      await new Promise<void>((resolve) => timer(part, resolve));
      silent = this.frames.length === before ? silent + 1 : 0;
    }
  }

  #receive(data: RawData, isBinary: boolean): void {
    const text = data.toString();
    this.#options.record(`← ${text}`);
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      this.problems.push('a message is not JSON');
    }
    if (isBinary) this.problems.push('a message is binary');
    if (frame !== undefined) {
      const judged = this.#options.has('pivotProof') ? frame : JSON.parse(text, withProof);
      this.problems.push(...judgeMessage(judged, (id) => this.#asked.get(id)));
      const { id, result } = frame as Frame;
      // After an error the id may still have its result: of two requests with one id the second is refused.
      if (result !== undefined && id !== undefined && id !== null) this.#asked.delete(id);
      this.frames.push(frame as Frame);
    }
    this.#wake();
  }

  #wake(): void {
    for (const watch of [...this.#watchers]) watch();
  }
}

/** Settlements of a server without the feature `pivotProof` lack this member, which the schemas have. */
const withProof = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'pivoted' in value ? { pivotProof: null, ...value } : value;

/** A value as text for a message, cut. */
export function brief(value: unknown, most = 200): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
