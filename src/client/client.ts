// The client: joins the reconnecting connection, the table of requests, and the subscriptions.

import { epochOf } from '../protocol/cursor.js';
import { MESSAGE_BYTES } from '../protocol/limits.js';
import type { Methods } from '../protocol/methods.js';
import { clientError, type GatewayError } from './errors.js';
import { type CallOptions, type JobVerbs, jobVerbs, type RequestOptions, type SendRequest } from './job-calls.js';
import type { Observer, SubscribeFilter, Subscription } from './observer.js';
import { type ClientOptions, settingsOf } from './options.js';
import { ReconnectingConnection } from './reconnecting-connection.js';
import { type Pending, RequestTable } from './requests.js';
import type { ClientState } from './state.js';
import { Subscriptions } from './subscriptions.js';

export interface Client extends JobVerbs {
  /** The present state. */
  readonly state: ClientState;
  /** Calls `listener` on every change; returns the cancellation. */
  onState(listener: (state: ClientState) => void): () => void;
  /**
   * Delivers what matches: a snapshot first, then every event exactly once and in order across reconnects, or a `gap`. Each call is a subscription on
   * the wire, of which a connection has 64 at most; further ones wait. `signal` ends it as `unsubscribe()` does. Throws INVALID_OPTION for a
   * malformed `after`, or for two of `after`, `last` and `from`; every other error goes to `observer.error`.
   */
  subscribe(filter: SubscribeFilter, observer: Observer, options?: { signal?: AbortSignal }): Subscription;
  info(options?: CallOptions): Promise<Methods['server.info']['result']>;
  sources(options?: CallOptions): Promise<Methods['source.list']['result']['sources']>;
  /** Closes the client: observers complete, requests reject with CLIENT_CLOSED. Idempotent. */
  close(): void;
}

/** Milliseconds for which `subscribe` may stay unanswered before the connection counts as dead. */
const SUBSCRIBE_MS = 15_000;

/**
 * Connects, and stays connected until it is closed or refused for good.
 *
 * ```ts
 * const client = createClient({ url: 'ws://127.0.0.1:7070/v1' });
 * client.subscribe({ types: ['BLOCK_JOB_CANCELLED'] }, { events: (events) => console.log(events) });
 * const end = await client.abort({ source: 'vm1', job: 'drive0', sync: true });
 * ```
 *
 * @throws GatewayError INVALID_OPTION: a bad URL, or no WebSocket on this platform.
 */
export function createClient(options: ClientOptions): Client {
  const { url, token, WebSocket, queue, timeoutMs, runtime } = settingsOf(options);
  const requests = new RequestTable(queue);
  let closed: GatewayError | undefined;
  let stopDeadline = () => {};

  const subscriptions = new Subscriptions(
    {
      isOpen: () => connection.state.phase === 'open',
      request(method, params, done, refused) {
        const resolve = done as (result: unknown) => void;
        const deadline = runtime.now() + SUBSCRIBE_MS;
        const reject = (error: GatewayError): void => {
          if (error.reason === 'NO_ANSWER') connection.stall(`${method} was not answered`);
          else if (error.reason !== 'CONNECTION_LOST' && error.reason !== 'CLIENT_CLOSED') refused(error);
        };
        requests.add({ method, params: () => params, repeat: 'never', lane: 'first', deadline, resolve, reject });
        flush();
      },
    },
    runtime,
  );

  const connection = new ReconnectingConnection(url, token, WebSocket, runtime, {
    ready() {
      subscriptions.ready();
      flush();
    },
    message(message) {
      if (!('method' in message)) {
        requests.settle(message);
        flush();
        return;
      }
      if ('cursor' in message.params) connection.see(epochOf(message.params.cursor));
      subscriptions.notify(message);
    },
    lost() {
      subscriptions.lost();
      requests.drop();
      arm();
    },
    closed(reason) {
      const asked = reason.cause === 'asked';
      const detail = asked ? 'the client was closed' : `closed for good: ${reason.detail}`;
      closed = clientError('CLIENT_CLOSED', detail, { ...reason });
      stopDeadline();
      subscriptions.end(asked ? undefined : closed);
      requests.fail(closed);
    },
  });

  function flush(): void {
    if (connection.state.phase === 'open') for (const pending of requests.take()) transmit(pending);
    arm();
    if (requests.isClogged) connection.stall('clogged');
  }

  function transmit({ id, method, params, traceparent, reject }: Pending): void {
    const refuse = (reason: 'TOO_LARGE' | 'INVALID_OPTION', why: string): void => {
      requests.withdraw(id);
      reject(clientError(reason, `${method} ${why}`, { method }));
    };
    let text: string;
    try {
      text = JSON.stringify({ jsonrpc: '2.0', id, method, params: params(runtime.now()), traceparent });
    } catch (error) {
      return refuse('INVALID_OPTION', String(error));
    }
    // A larger message makes the server close with 1009, after which the client would not reconnect.
    if (new TextEncoder().encode(text).length > MESSAGE_BYTES) refuse('TOO_LARGE', `is over ${MESSAGE_BYTES} bytes`);
    else connection.send(text);
  }

  function arm(): void {
    stopDeadline();
    const next = requests.nextDeadline;
    if (next === Infinity || closed) return;
    stopDeadline = runtime.after(Math.max(0, next - runtime.now()), () => {
      requests.expire(runtime.now());
      flush();
    });
  }

  function request(method: string, params: unknown, options: RequestOptions): Promise<never> {
    const { signal, repeat, traceparent, paramsAt = () => params } = options;
    return new Promise((resolve, reject) => {
      if (closed) return reject(closed);
      if (signal?.aborted) return reject(signal.reason);
      const forget = () => {
        requests.cancel(id);
        reject(signal?.reason);
        flush();
      };
      const settle = <Value>(done: (value: Value) => void) => {
        return (value: Value): void => {
          signal?.removeEventListener('abort', forget);
          done(value);
        };
      };
      signal?.addEventListener('abort', forget);
      const id = requests.add({
        method,
        params: paramsAt,
        repeat,
        traceparent,
        lane: 'queue',
        deadline: runtime.now() + (options.timeoutMs ?? timeoutMs),
        resolve: settle(resolve as (value: unknown) => void),
        reject: settle(reject),
      });
      flush();
    });
  }

  const send: SendRequest = request;

  return {
    ...jobVerbs(send, () => runtime.now()),
    get state() {
      return connection.state;
    },
    onState: (listener) => connection.onState(listener),
    subscribe(filter, observer, { signal } = {}) {
      if (closed) throw closed;
      return subscriptions.subscribe(filter, observer, signal);
    },
    info: (options = {}) => send('server.info', {}, { ...options, repeat: 'safe' }),
    sources: async (options = {}) => (await send('source.list', {}, { ...options, repeat: 'safe' })).sources,
    close: () => connection.close(),
  };
}
