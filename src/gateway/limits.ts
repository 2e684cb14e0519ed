// Everything in the gateway that can grow or wait, with its reason. Tests shorten the intervals.

export interface GatewayLimits {
  /** Bytes that one socket may have unsent before its subscriptions are parked: a few frames, times the number of slow clients. */
  highWaterBytes: number;
  /** Bytes of unsent answers at which no further request of that client is read. */
  hardStopBytes: number;
  /** Milliseconds without one byte of drain progress until a parked client is closed with 4508. */
  stuckMs: number;
  /** Bytes of one `events` frame; a larger turn is split. */
  frameBytes: number;
  /** Sockets written in one turn of the loop: commands are never behind a broadcast. */
  sliceSockets: number;
  /** Entries examined for one client in one turn of its catch-up. */
  sliceEntries: number;
  /** WebSocket connections. */
  connections: number;
  /** Milliseconds between bookmarks, each with a WebSocket ping; a peer that answers none until the next is dead (4510). */
  bookmarkMs: number;
  /** Milliseconds that closing may take. */
  drainMs: number;
  /** Reconnects per second that a restart spreads its clients over. */
  reconnectsPerSecond: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  highWaterBytes: 128 * 1024,
  hardStopBytes: 1024 * 1024,
  stuckMs: 30_000,
  frameBytes: 64 * 1024,
  sliceSockets: 256,
  sliceEntries: 512,
  connections: 20_000,
  bookmarkMs: 15_000,
  drainMs: 5_000,
  reconnectsPerSecond: 1_000,
};
