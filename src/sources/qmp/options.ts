// Time and memory bounds for one monitor, each with its reason. Tests shorten the intervals.
import type { Observable } from 'rxjs';
import type { MonitorAddress, QmpSession } from '../../qmp/index.js';
import { socketBirth } from './identity.js';
import { type MonitorSignal, SUPERVISE_DEFAULTS, type SuperviseOptions, supervise } from './supervise.js';

/** Who else uses the connections to monitors. */
export interface SessionListener {
  /** Whether it uses the connection of that source; then the capability `oob` is negotiated too. Asked once. */
  wants(source: string): boolean;
  /** The source is connected, and its jobs are known. */
  opened(source: string, session: QmpSession): void;
  closed(source: string): void;
}

export interface QmpSourceOptions extends SuperviseOptions {
  /** Milliseconds of silence after which a monitor is probed. */
  probeMs: number;
  /** Milliseconds to the replies of a query; after that the source is stalled. */
  queryMs: number;
  /** Milliseconds until a refused first query is repeated: doubled each time, up to `refusedMaxMs`. */
  refusedMs: number;
  refusedMaxMs: number;
  /** Bytes of events that are held until the QEMU is identified; beyond them it is identified without its vCPU threads. */
  heldBytes: number;
  /** Identifies the listening socket's file. */
  socketBirth: (address: MonitorAddress) => string | undefined;
  sessions?: SessionListener | undefined;
  /** Connects to the monitor and keeps connected. */
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
