// `qmp-gateway/qmp`: the QMP client by itself, for one monitor or many, without a gateway.
import type { Observable } from 'rxjs';
import {
  type MonitorState as AnyMonitorState,
  type QmpSession as AnyQmpSession,
  type MonitorAddress,
  openMonitor as open,
  type QemuCommands,
  type QmpOptions,
} from './qmp/index.js';
import { type ConnectionSignal, supervise as keep } from './sources/index.js';

export type { Int64, QemuEvents } from './protocol/index.js';
export {
  type ExecuteOptions,
  type MonitorAddress,
  MonitorLost,
  ofType,
  type QemuCommands,
  QMP_LIMITS,
  type QmpEvent,
  type QmpEventOf,
  type QmpGreeting,
  type QmpLane,
  type QmpLimits,
  type QmpOptions,
  type QmpReply,
} from './qmp/index.js';
export type { ConnectionSignal } from './sources/index.js';

/** A negotiated connection to one monitor, with all commands of QEMU. */
export type QmpSession = AnyQmpSession<QemuCommands>;
export type MonitorState = AnyMonitorState<QemuCommands>;
export type MonitorSignal = ConnectionSignal<QmpSession>;

/**
 * One connection: connects, waits for the greeting, negotiates, and emits the session once.
 *
 * @param address where QEMU listens (`-qmp unix:PATH,server=on,wait=off`). It serves one client at a time.
 * @param options overrides of {@link QMP_LIMITS}.
 * @returns errors with {@link MonitorLost} when the connection ends, and never completes. Subscribing connects; unsubscribing closes the socket.
 * @example openMonitor({ kind: 'unix', path: '/run/vm1.qmp' }).subscribe({ next: (state) => console.log(state.kind), error: console.error });
 */
export function openMonitor(address: MonitorAddress, options: Partial<QmpOptions> = {}): Observable<MonitorState> {
  // A session writes any command that it is given: only the types differ from those that the gateway has.
  return open(address, options) as Observable<unknown> as Observable<MonitorState>;
}

export interface SuperviseOptions {
  /** Milliseconds: upper bound of the first delay between two attempts, default 200; it doubles with each, and the delay is random below it. */
  baseMs?: number;
  /** Milliseconds: the largest upper bound, default 5,000. */
  maxMs?: number;
  /** Milliseconds after which a connection counts as healthy, so that its loss is a first one again; default 10,000. */
  healthyMs?: number;
  /** Of each connection. */
  qmp?: Partial<QmpOptions>;
}

/**
 * Keeps one monitor connected: `connecting`, `waiting`, `up` with a new session, `down` with the reason and the delay, and so on. Never errors and
 * never completes. Events of a session are lost unless `session.events$` is subscribed to in the turn in which `up` is emitted, as `switchMap` does.
 *
 * @example supervise({ kind: 'tcp', host: '10.0.0.2', port: 4444 }).subscribe((signal) => console.log(signal.kind));
 */
export function supervise(address: MonitorAddress, options: SuperviseOptions = {}): Observable<MonitorSignal> {
  return keep(address, options) as Observable<unknown> as Observable<MonitorSignal>;
}
