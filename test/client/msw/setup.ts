// `ws.link()` of msw mocks the global WebSocket, and Node 20 has none: here is one to be replaced. It never connects.
class NoSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
}

(globalThis as { WebSocket?: unknown }).WebSocket ??= NoSocket;
