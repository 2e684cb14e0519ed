// jobs: typed events become job state, settlements, and aborts that are bounded and honest.
export { JobCommands } from './commands/job-commands.js';
export type { Journal } from './model/journal.js';
export { type Demand, ProgressPoller } from './tracking/progress-poller.js';
export { type RegistrySignal, SourceRegistry } from './tracking/source-registry.js';
export { SourceTracker, type TrackSignal } from './tracking/source-tracker.js';
export { TRACK_DEFAULTS, type TrackOptions } from './tracking/track-options.js';
