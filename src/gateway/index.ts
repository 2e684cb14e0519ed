// gateway: WebSocket and HTTP, subscriptions and fan-out.
export { COMPRESSION, type Compression } from './http/compression.js';
export { isLoopbackName } from './http/origin-policy.js';
export { type Gateway, type GatewayCounts, openGateway } from './http/server.js';
export { GATEWAY_LIMITS, type GatewayLimits } from './limits.js';
export type { CommandPort, ViewPort } from './ports.js';
