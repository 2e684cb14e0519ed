// Bounds on everything in the gateway that can grow or wait, each with its reason. Tests shorten the intervals.

export interface GatewayLimits {
  /** Bytes that one socket may have unsent before its subscriptions are parked: a few frames, times the number of slow clients. */
  highWaterBytes: number;
  /** Bytes of unsent answers beyond which no further request of that client is executed. */
  hardStopBytes: number;
  /** Bytes of requests that wait to be executed; a client that sends more is closed with 4429. One read of a socket is 64 KiB. */
  inboxBytes: number;
  /** Milliseconds without one byte of drain progress after which a parked client is closed with 4508. */
  stuckMs: number;
  /** Milliseconds without a byte received, and without one taken by the kernel, after which a client that is not parked is closed with 4510. */
  deadMs: number;
  /** Bytes of one `events` or `progress` frame; the entries of a turn beyond it are split. An entry that is larger has a frame of its own. */
  frameBytes: number;
  /** Bytes of events that a group encodes in one turn; beyond them its members read on from the log. */
  batchBytes: number;
  /** Sockets written, and milliseconds spent, by broadcasts in one event-loop turn, so that commands don't wait behind them. */
  sliceSockets: number;
  sliceMs: number;
  /** Entries examined, and bytes of events written, for one client in one turn of its catch-up. */
  sliceEntries: number;
  sliceBytes: number;
  /** WebSocket connections. */
  connections: number;
  /** Characters of globs with `*` or `?` in all subscriptions of one connection: they bound the cost of routing a new job. */
  connectionGlobs: number;
  /** Requests a second of a connection, and of an address by POST; and how many at once. */
  requestsPerSecond: number;
  requestsBurst: number;
  /** `subscribe` requests a second of a connection, and how many at once: a client that reconnects has up to 64. */
  subscribesPerSecond: number;
  subscribesBurst: number;
  /** Refused requests a second, and at once, beyond which the client is closed with 4429. */
  refusalsPerSecond: number;
  refusalsBurst: number;
  /** Pings and pongs of a client between two bookmarks, beyond which it is closed with 4429: each costs as much as a small request. */
  controlFrames: number;
  /** Upgrades a second of an address (IPv6: of a /64), and how many at once. Beyond: HTTP 429. */
  connectionsPerSecond: number;
  connectionsBurst: number;
  /** Whether the limits of an address apply to loopback and unix peers too: all clients of a proxy on this host have one address. */
  limitLoopback: boolean;
  /** POSTs of one address that wait for their answer. */
  postsInFlight: number;
  /** Milliseconds until a connection must have authenticated, and how many there may be that have not: then the oldest goes. */
  authenticateMs: number;
  unauthenticated: number;
  /** Milliseconds before the end of its credentials at which a client gets `expiring`. */
  expiringMs: number;
  /** Milliseconds that the measures of `job.list` may be old, and that a call waits for newer ones. */
  freshMs: number;
  freshWaitMs: number;
  /** Milliseconds between bookmarks, every second one with a WebSocket ping. */
  bookmarkMs: number;
  /** Milliseconds for the headers of a request and for a whole request, and between two checks. */
  headersMs: number;
  requestMs: number;
  httpCheckMs: number;
  /** Milliseconds for closing as a whole. */
  drainMs: number;
  /** Reconnects per second over which a restart spreads its clients. */
  reconnectsPerSecond: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  highWaterBytes: 128 * 1024,
  hardStopBytes: 1024 * 1024,
  inboxBytes: 256 * 1024,
  stuckMs: 30_000,
  deadMs: 45_000,
  frameBytes: 64 * 1024,
  batchBytes: 1024 * 1024,
  sliceSockets: 256,
  sliceMs: 8,
  sliceEntries: 512,
  sliceBytes: 128 * 1024,
  connections: 20_000,
  connectionGlobs: 16_384,
  requestsPerSecond: 2_000,
  requestsBurst: 5_000,
  subscribesPerSecond: 50,
  subscribesBurst: 256,
  refusalsPerSecond: 100,
  refusalsBurst: 1_000,
  controlFrames: 5_000,
  connectionsPerSecond: 50,
  connectionsBurst: 200,
  limitLoopback: false,
  postsInFlight: 256,
  authenticateMs: 5_000,
  unauthenticated: 256,
  expiringMs: 60_000,
  freshMs: 1_000,
  freshWaitMs: 250,
  bookmarkMs: 15_000,
  headersMs: 10_000,
  requestMs: 30_000,
  httpCheckMs: 1_000,
  drainMs: 5_000,
  reconnectsPerSecond: 1_000,
};
