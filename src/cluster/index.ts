// cluster: owners, which have sources, and edges, which have clients, over a stream that all share.
export type { CallerChecks } from './callers.js';
export { Edge } from './edge.js';
export { HeldValue } from './held-value.js';
export { CLUSTER_DEFAULTS, type ClusterOptions } from './options.js';
export { Owner } from './owner.js';
export {
  type ClusterStatus,
  collectStatus,
  type EdgeStatus,
  type MemberStatus,
  StatusError,
  type StreamStatus,
} from './status.js';
