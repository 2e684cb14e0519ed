// history: the runs that have ended, for people, folded from the settlements that the log shows.
export { HistoryFolder } from './folder.js';
export { HISTORY_LIMITS, type HistoryLimits } from './limits.js';
export type { EndedRun, StoredRun } from './record.js';
export type { RowHead } from './rows.js';
export { digest32, digestOfRun } from './rows.js';
export { type FoundRun, type HistoryReport, type OlderRuns, type Place, RunHistory } from './run-history.js';
export { ProgressSamples } from './samples.js';
