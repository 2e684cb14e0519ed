// A WebSocket of the console's own, and its messages in both directions with their times, newest last.
import { signal } from '@preact/signals';

export interface Frame {
  key: number;
  way: 'in' | 'out' | 'note';
  at: number;
  text: string;
  /** Milliseconds since the request; for replies. */
  tookMs?: number;
  /** Method of a request or notification. */
  title: string;
  failed?: boolean;
}

const FRAMES_MAX = 1_000;

export function openConsoleSocket(url: string) {
  const frames = signal<readonly Frame[]>([]);
  const open = signal(false);
  const sent = new Map<string, { at: number; method: string }>();
  let key = 0;
  const add = (frame: Omit<Frame, 'key'>): void => {
    key += 1;
    frames.value = [...frames.peek(), { ...frame, key }].slice(-FRAMES_MAX);
  };
  const note = (text: string, failed = false): void => add({ way: 'note', at: Date.now(), text, title: '', failed });
  let socket: WebSocket | undefined;

  function connect(): void {
    socket?.close(1000);
    const next = new WebSocket(url, 'qmp-gateway.v1');
    socket = next;
    sent.clear();
    next.addEventListener('open', () => {
      open.value = true;
      note(`connected to ${url}`);
    });
    next.addEventListener('close', ({ code, reason }) => {
      if (socket !== next) return;
      open.value = false;
      note(`closed ${code}${reason ? `: ${reason}` : ''}`, true);
    });
    next.addEventListener('message', ({ data }) => heard(String(data)));
  }

  function heard(text: string): void {
    const at = performance.now();
    const message = read(text);
    const request = message.id === undefined ? undefined : sent.get(String(message.id));
    if (message.id !== undefined) sent.delete(String(message.id));
    const title = message.method ?? (request ? `${request.method} replied` : 'reply');
    const timing = request ? { tookMs: at - request.at } : {};
    add({ way: 'in', at: Date.now(), text, title, failed: message.error !== undefined, ...timing });
  }

  return {
    frames,
    open,
    connect,
    send(text: string, id: string | number, method: string): boolean {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      sent.set(String(id), { at: performance.now(), method });
      add({ way: 'out', at: Date.now(), text, title: method });
      socket.send(text);
      return true;
    },
    clear: (): void => {
      frames.value = [];
    },
    close: (): void => {
      const last = socket;
      socket = undefined;
      last?.close(1000);
    },
  };
}

function read(text: string): { id?: string | number; method?: string; error?: unknown } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
