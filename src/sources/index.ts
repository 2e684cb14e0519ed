// sources: named places where jobs run, behind one port. Each QMP monitor is kept connected independently.

export { ConfiguredSources, type SourceChanges } from './configured.js';
export { logSignals } from './log.js';
export type {
  BlockGraph,
  CommandReply,
  GraphReply,
  JobCommand,
  JobSource,
  ProvidedSource,
  QueriedJob,
  SendOptions,
  SourceEvent,
  SourceProvider,
  SourceSignal,
} from './port.js';
export { QmpJobSource } from './qmp/job-source.js';
export { QMP_SOURCE_DEFAULTS, type QmpSourceOptions } from './qmp/options.js';
export { formatAddress, parseSource, type Source } from './source.js';
