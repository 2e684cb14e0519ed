// `qmp-gateway`: the gateway as a library. Clients import `qmp-gateway/client` and `qmp-gateway/protocol`; QMP by itself is `qmp-gateway/qmp`.
export { type App, type Reloaded, start, type Tuning } from './app.js';
export { type Config, type ConfigInput, type ReadConfig, readConfig } from './config/index.js';
export {
  type MonitorAddress,
  MonitorLost,
  ofType,
  openMonitor,
  type QmpEvent,
  type QmpReply,
  type QmpSession,
} from './qmp.js';
export type { JobSource, ProvidedSource, SourceProvider, SourceSignal } from './sources/index.js';
export { VERSION } from './version.js';
