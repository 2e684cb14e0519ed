// log: the numbered log.
export { EVICTIONS, type EventLog, type LoggedEntry, type LogStatus } from './event-log.js';
export { LOG_LIMITS, type LogLimits, type LogOptions, MemoryLog } from './memory-log.js';
export { type Batch, type BatchStore, StoredLog, type StoredLogOptions } from './stored-log.js';
