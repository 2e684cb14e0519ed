// `qmp-gateway/client` for Node: the same exports with npm `ws` as the default WebSocket, since Node 20 has none.
import WebSocket from 'ws';
import { type Client, createClient as connect } from './client.js';
import type { ClientOptions } from './options.js';

/** As in the browser, but `WebSocket` is that of npm `ws` by default. */
export function createClient(options: ClientOptions): Client {
  return connect({ ...options, WebSocket: options.WebSocket ?? WebSocket });
}

export { type Cut, cutOf, foldEvents, foldProgress, type JobTable, tableOf } from '../protocol/job-table.js';
export type { Client } from './client.js';
export type { CursorStore } from './cursor-store.js';
export { CLIENT_ERRORS, type ClientReason, ConnectionLost, GatewayError, type Reason } from './errors.js';
export type { BoundedOptions, CallOptions, CompleteParams, DryRunParams, JobVerbs, WaitParams } from './job-calls.js';
export type { Gap, Observer, Snapshot, SnapshotReason, SubscribeFilter, Subscription } from './observer.js';
export type { ClientOptions } from './options.js';
export type { Token } from './reconnecting-connection.js';
export type { Runtime } from './runtime.js';
export type { Socket, SocketConstructor } from './socket.js';
export type { ClientState, CloseReason, LineCause, LineEnd } from './state.js';
