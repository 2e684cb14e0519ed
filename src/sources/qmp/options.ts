// What a monitor is waited for and what is kept of it meanwhile, each with its reason. Tests shorten the intervals.
import type { Observable } from 'rxjs';
import type { MonitorAddress } from '../../qmp/index.js';
import { socketBirth } from './identity.js';
import { type MonitorSignal, SUPERVISE_DEFAULTS, type SuperviseOptions, supervise } from './supervise.js';

export interface QmpSourceOptions extends SuperviseOptions {
  /** Milliseconds of silence after which a monitor is probed. */
  probeMs: number;
  /** Milliseconds to the replies of a query; past it the source is stalled. */
  queryMs: number;
  /** Milliseconds until a refused first query is asked again: doubled each time, up to `refusedMaxMs`. */
  refusedMs: number;
  refusedMaxMs: number;
  /** Bytes of events that wait for the identification of a QEMU; past it they are signalled, and the identity stays unknown. */
  heldBytes: number;
  /** Tells one listening socket file from another. */
  socketBirth: (address: MonitorAddress) => string | undefined;
  /** What becomes of the connection to the monitor. */
  monitor$: (address: MonitorAddress, options: SuperviseOptions) => Observable<MonitorSignal>;
}

export const QMP_SOURCE_DEFAULTS: QmpSourceOptions = {
  ...SUPERVISE_DEFAULTS,
  probeMs: 30_000,
  queryMs: 30_000,
  refusedMs: 200,
  refusedMaxMs: 5_000,
  heldBytes: 4 * 1024 * 1024,
  socketBirth,
  monitor$: supervise,
};
