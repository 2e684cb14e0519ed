// jobs: typed events become job state, settlements, and aborts that are bounded and honest.
export type { Journal } from './model/journal.js';
export { type Jobs, openJobs } from './open.js';
export type { Demand } from './tracking/progress-poller.js';
export type { SourceTracker } from './tracking/source-tracker.js';
export { TRACK_DEFAULTS, type TrackOptions } from './tracking/track-options.js';
