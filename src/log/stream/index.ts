// log/stream: the log of several gateways in one stream that all share.
export { loadSource, type SourceHistory } from './load.js';
export { epochOfId, placeEntries } from './message.js';
export type { SharedStream, StreamMessage, StreamState, StreamWrite, StreamWritten } from './port.js';
export { StreamLog } from './stream-log.js';
export type { StreamFold, StreamLogListener, StreamLogOptions } from './stream-log-options.js';
export { SourceWriter } from './writer.js';
export { WRITER_DEFAULTS, type WriterListener, type WriterOptions } from './writer-options.js';
