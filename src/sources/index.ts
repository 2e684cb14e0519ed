// sources: named places where jobs run, behind one port. Each QMP monitor and each domain of libvirt is kept connected independently.

export { ACCEPT_DEFAULTS, type AcceptLimitName, type AcceptOptions, type AcceptSettings } from './accept/options.js';
export { ConfiguredSources, type SourceChanges } from './configured.js';
export type { ConnectionSignal } from './keep-connected.js';
export { BUDGET_LIMITS, type BudgetLimits, type LibvirtOptions } from './libvirt/index.js';
export { logSignals } from './log.js';
export { sourceOpener } from './opener.js';
export type {
  Ability,
  BlockGraph,
  Carrier,
  CommandReply,
  GraphReply,
  JobCommand,
  JobSource,
  ProvidedSource,
  QueriedEvents,
  QueriedJob,
  SendOptions,
  SourceAbout,
  SourceEvent,
  SourceProvider,
  SourceSignal,
} from './port.js';
export { QmpJobSource } from './qmp/job-source.js';
export { QMP_SOURCE_DEFAULTS, type QmpSourceOptions, type SessionListener } from './qmp/options.js';
export { type SuperviseOptions, supervise } from './qmp/supervise.js';
export {
  type Discovery,
  formatAddress,
  formatDiscovery,
  formatLibvirt,
  formatSource,
  type MonitorSource,
  parseDiscovery,
  parseSource,
  type Source,
} from './source.js';
