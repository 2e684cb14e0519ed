// stream: the numbered log.
export type { LoggedEntry } from './entry.js';
export { EventLog, LOG_LIMITS, type LogLimits, type LogOptions, type Slice } from './log.js';
