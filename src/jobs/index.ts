// jobs: typed events become job state, settlements, and aborts that are bounded and honest.
export { JobDesk } from './desk.js';
export { Fleet, type FleetSignal } from './fleet.js';
export type { Journal } from './journal.js';
export { type Demand, Polls } from './polls.js';
export { SourceTracker, type TrackSignal } from './track.js';
export { TRACK_DEFAULTS, type TrackOptions } from './track-options.js';
