// `qmp-gateway/client` for browsers, workers and Deno: the public exports. Node gets node.ts.

export { type Cut, cutOf, foldEvents, foldProgress, type JobTable, tableOf } from '../protocol/job-table.js';
export { type Client, createClient } from './client.js';
export type { CursorStore } from './cursor-store.js';
export { CLIENT_ERRORS, type ClientReason, ConnectionLost, GatewayError, type Reason } from './errors.js';
export type { BoundedOptions, CallOptions, CompleteParams, DryRunParams, JobVerbs, WaitParams } from './job-calls.js';
export type { Gap, Observer, Snapshot, SnapshotReason, SubscribeFilter, Subscription } from './observer.js';
export type { ClientOptions } from './options.js';
export type { Token } from './reconnecting-connection.js';
export type { Runtime } from './runtime.js';
export type { Socket, SocketConstructor } from './socket.js';
export type { ClientState, CloseReason, LineCause, LineEnd } from './state.js';
