// log: the numbered log.
export { EVICTIONS, type EventLog, type EventReader, type LoggedEntry, type LogStatus } from './event-log.js';
export { LOG_LIMITS, type LogLimits, type LogOptions, MemoryLog } from './memory-log.js';
export type { Disk } from './segments/disk.js';
export type { DiskReport } from './segments/disk-report.js';
export {
  type ExportedEntry,
  exportEntries,
  type InspectedFile,
  type InspectedFolder,
  inspectFolder,
} from './segments/inspect.js';
export { DISK_LOG_LIMITS, type DiskLogLimits, type OpenedLog, openDiskLog } from './segments/open.js';
export { FolderInUse } from './segments/owner.js';
export type { Discontinuity, Restorer } from './segments/recover.js';
export { type Batch, type BatchStore, StoredLog, type StoredLogOptions } from './stored-log.js';
export {
  epochOfId,
  loadSource,
  placeEntries,
  type SharedStream,
  type SourceHistory,
  SourceWriter,
  type StreamFold,
  StreamLog,
  type StreamLogListener,
  type StreamLogOptions,
  type StreamMessage,
  type StreamState,
  type StreamWrite,
  type StreamWritten,
  WRITER_DEFAULTS,
  type WriterListener,
  type WriterOptions,
} from './stream/index.js';
