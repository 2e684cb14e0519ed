// A WebSocket constructor for the client whose far end the test controls; it keeps every socket that was made.
import type { Methods, Notification, RpcErrorBody, RpcRequest } from '../../../src/protocol/methods.js';

type Listener = (event: never) => void;

export class FarSocket {
  readyState = 0;
  closedWith: number | undefined;
  readonly sent: RpcRequest[] = [];
  readonly #listeners = new Map<string, Listener[]>();
  readonly url: string;
  readonly protocols: string | string[] | undefined;

  constructor(url: string, protocols?: string | string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code?: number): void {
    this.closedWith = code;
    this.readyState = 3;
  }

  // ---- the server's side ----

  fire(type: string, event: object = {}): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }

  open(): void {
    this.readyState = 1;
    this.fire('open');
  }

  say(message: object | string): void {
    this.fire('message', { data: typeof message === 'string' ? message : JSON.stringify(message) });
  }

  notify<Name extends Notification['method']>(method: Name, params: Extract<Notification, { method: Name }>['params']) {
    this.say({ jsonrpc: '2.0', method, params });
  }

  drop(code = 1006, reason = ''): void {
    this.readyState = 3;
    this.fire('close', { code, reason });
  }

  /** The requests of a method so far. */
  of<Name extends keyof Methods>(method: Name): (RpcRequest & { params: Methods[Name]['params'] })[] {
    return this.sent.filter((request) => request.method === method) as never;
  }

  /** Answers the newest unanswered request of a method. */
  answer<Name extends keyof Methods>(method: Name, result: Methods[Name]['result'], which = -1): void {
    this.say({ jsonrpc: '2.0', id: this.of(method).at(which)?.id, result });
  }

  refuse(method: keyof Methods, error: Partial<RpcErrorBody> & { data: RpcErrorBody['data'] }, which = -1): void {
    this.say({ jsonrpc: '2.0', id: this.of(method).at(which)?.id, error: { code: -1, message: 'no', ...error } });
  }
}

export function farEnd() {
  const sockets: FarSocket[] = [];
  class Socket extends FarSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  const last = (): FarSocket => {
    const socket = sockets.at(-1);
    if (!socket) throw new Error('no socket yet');
    return socket;
  };
  return { Socket, sockets, last };
}
