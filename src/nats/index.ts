// nats: what the members of a cluster share, over NATS and its JetStream.
export type { Bus, BusReply } from './bus.js';
export { connectNats, loadNats, type NatsServers } from './connect.js';
export { FENCED_SINCE, isFenceSure } from './fence.js';
export { codeOf, isForbidden, STREAM_NOT_FOUND } from './jetstream-errors.js';
export type { Locks } from './locks.js';
export { type OpenNats, openNats, type WebhookBuckets } from './open.js';
export { STREAM_LIMITS, type StreamLimits } from './stream.js';
export { type Subjects, subjectsOf } from './subjects.js';
export type { Values } from './values.js';
