// One connection: a socket from its construction to its end. Its listener gets `open` once, then messages, then `end` exactly once with the cause.
import { SUBPROTOCOL } from '../protocol/codes.js';
import { SILENCE_MS } from '../protocol/limits.js';
import type { ServerMessage } from '../protocol/methods.js';
import { parseFrame } from './frame.js';
import type { Runtime } from './runtime.js';
import type { Socket, SocketConstructor } from './socket.js';
import type { LineCause, LineEnd } from './state.js';

export interface ConnectionListener {
  open(): void;
  message(message: ServerMessage): void;
  end(end: LineEnd): void;
}

export interface Connection {
  send(text: string): void;
  /** Ends the connection for a cause on this side; the listener is called at once, not when the socket has closed. */
  end(cause: LineCause, code: number, detail: string, retryAfterMs?: number): void;
  /** Ends the connection without a call to the listener. */
  abandon(): void;
  /** Checks the wall clock; to be called when the machine or the page wakes up. */
  check(): void;
}

/**
 * Timers stand still while the machine sleeps. A short interval that compares the wall clock notices that soon after waking; one long timer would
 * not.
 */
const TICK_MS = 5_000;
/** Milliseconds from construction to `open`. */
const OPEN_MS = 15_000;

export function openConnection(
  url: string,
  WebSocket: SocketConstructor,
  runtime: Runtime,
  listener: ConnectionListener,
): Connection {
  let phase: 'opening' | 'open' | 'ended' = 'opening';
  let heard = runtime.now();
  let bye: LineEnd | undefined;
  let socket: Socket | undefined;
  let stopTick = () => {};

  const finish = (end: LineEnd | undefined, code: number): void => {
    if (phase === 'ended') return;
    phase = 'ended';
    stopTick();
    try {
      socket?.close(code);
    } catch {
      // The constructor threw half-way, or the socket is already closing: in both cases it is gone.
    }
    if (end) listener.end(end);
  };
  const fail = (cause: LineCause, code: number, detail: string): void => finish({ cause, code, detail }, 1000);

  const check = (): void => {
    const now = runtime.now();
    heard = Math.min(heard, now); // a clock that was set back must not keep a dead connection
    if (phase === 'opening' && now - heard >= OPEN_MS) fail('unreachable', 1006, `not open after ${OPEN_MS} ms`);
    else if (phase === 'open' && now - heard >= SILENCE_MS) fail('silent', 4510, `no frame for ${now - heard} ms`);
  };
  const tick = (): void => {
    check();
    if (phase !== 'ended') stopTick = runtime.after(TICK_MS, tick);
  };

  try {
    socket = new WebSocket(url, SUBPROTOCOL);
  } catch (error) {
    stopTick = runtime.after(0, () => fail('unreachable', 1006, String(error)));
    return { send() {}, end() {}, abandon: () => finish(undefined, 1000), check() {} };
  }
  stopTick = runtime.after(TICK_MS, tick);

  socket.addEventListener('open', () => {
    if (phase !== 'opening') return;
    phase = 'open';
    heard = runtime.now();
    listener.open();
  });
  socket.addEventListener('message', ({ data }) => {
    if (phase !== 'open') return;
    heard = runtime.now();
    const message = parseFrame(data);
    if (!message) return fail('garbled', 1006, 'not a frame of this protocol');
    if ('method' in message && message.method === 'bye') {
      const { code, reason, retryAfterMs } = message.params;
      bye = { cause: 'bye', code, detail: reason, retryAfterMs };
    }
    listener.message(message);
  });
  // `close` always follows. A browser's error event says nothing; Node's has a message or, for several addresses, a code.
  let broken: string | undefined;
  socket.addEventListener('error', ({ message, error }) => {
    broken = message || error?.code;
  });
  socket.addEventListener('close', ({ code, reason }) => {
    const cause = phase === 'opening' ? 'unreachable' : 'closed';
    finish(bye ?? { cause, code, detail: reason || broken || 'closed' }, 1000);
  });

  return {
    send(text) {
      if (phase === 'open') socket.send(text);
    },
    end: (cause, code, detail, retryAfterMs) =>
      finish({ cause, code, detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }, 1000),
    abandon: () => finish(undefined, 1000),
    check,
  };
}
