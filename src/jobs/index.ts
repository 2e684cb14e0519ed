// jobs: a source's events become runs of jobs, their settlements, and commands on jobs that answer within a time bound.
export type { SharedCommand, SharedCommands, SharedCommandTrace } from './commands/shared-commands.js';
export type { Journal } from './model/journal.js';
export { type Jobs, openJobs } from './open.js';
export { FollowedRuns } from './tracking/followed-runs.js';
export type { Demand } from './tracking/progress-poller.js';
export { Restoration } from './tracking/restoration.js';
export { type SettledJob, settledJob } from './tracking/settled-job.js';
export type { SourceTracker } from './tracking/source-tracker.js';
export { TRACK_DEFAULTS, type TrackOptions } from './tracking/track-options.js';
