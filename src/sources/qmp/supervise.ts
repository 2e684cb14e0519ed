// Keeps one monitor connected. The events of a session are `session.events$` and do not pass here: the operators would take 3 % of the time of each.
import { map, type Observable } from 'rxjs';
import { CLOCK } from '../../clock.js';
import { type MonitorAddress, MonitorLost, openMonitor, type QmpOptions, type QmpSession } from '../../qmp/index.js';
import { type ConnectionSignal, type Conversation, type KeepOptions, keepConnected } from '../keep-connected.js';

export type MonitorSignal = ConnectionSignal<QmpSession>;

/** Where a monitor is: at an address, or at the other end of connections that its QEMU makes. */
export type MonitorPlace = MonitorAddress | { kind: 'accepted'; monitor$: Observable<MonitorSignal> };

export interface SuperviseOptions extends KeepOptions {
  qmp: Partial<QmpOptions>;
  /** Begins one conversation with the monitor. */
  open$: typeof openMonitor;
}

export const SUPERVISE_DEFAULTS: SuperviseOptions = {
  baseMs: 200,
  maxMs: 5_000,
  healthyMs: 10_000,
  qmp: {},
  clock: CLOCK,
  open$: openMonitor,
};

/** Subscribing connects; unsubscribing closes the connection. */
export function supervise(
  address: MonitorAddress,
  overrides: Partial<SuperviseOptions> = {},
): Observable<MonitorSignal> {
  const options = { ...SUPERVISE_DEFAULTS, ...overrides };
  const open$ = (): Observable<Conversation<QmpSession>> =>
    options
      .open$(address, options.qmp)
      .pipe(map((state) => (state.kind === 'open' ? { kind: 'up', session: state.session } : state)));
  return keepConnected(open$, toLost, options);
}

function toLost(error: unknown): MonitorLost {
  return error instanceof MonitorLost ? error : new MonitorLost('protocol', String(error), { cause: error });
}
