// `qmp-gateway/protocol`: types and constants of the wire, for clients on any runtime, without dependencies.
export {
  CLOSE_CODES,
  type CloseCode,
  ERROR_CODES,
  type ErrorReason,
  type RetryPolicy,
  retryPolicy,
  SUBPROTOCOL,
} from './codes.js';
export {
  compareCursors,
  cursorBefore,
  entriesAfter,
  epochOf,
  formatCursor,
  type Position,
  parseCursor,
} from './cursor.js';
export type { QemuEvents } from './generated/events.js';
export type * from './history.js';
export {
  LIMITS,
  PROGRESS_DEFAULT,
  PROGRESS_INTERVALS,
  type ProgressInterval,
  SNAPSHOT_SETTLED,
  SOURCE_NAME,
} from './limits.js';
export type * from './methods.js';
export { type ProjectedState, Projection } from './projection.js';
export {
  allows,
  DECISIONS,
  type Decision,
  decisionOf,
  effectOf,
  hasVerb,
  hintFor,
  isAnswering,
  isBlockJob,
  isInSync,
  isPaused,
  isReachable,
  JOB_STATUSES,
  neverPivots,
  offeredVerbs,
  type SoftCancel,
  softCancel,
  TRANSITIONS,
  type VerbEffect,
} from './rules.js';
export { mayControl } from './scopes.js';
export * from './types.js';
export {
  countsBytes,
  describeAbort,
  describeEffect,
  describeGap,
  describePivot,
  describeProof,
  describeReason,
  describeTimeout,
  durationOf,
  formatAmount,
  formatBytes,
  formatDone,
  formatDuration,
  formatLimit,
  formatPercent,
  formatRate,
  HOLDS_ID_TEXT,
  PROVENANCE_TEXT,
  refuserOf,
  shareDone,
  summarizeSettlement,
  VERB_LABELS,
} from './words.js';
