// gateway: WebSocket and HTTP, subscriptions and fan-out.
export { COMPRESSION, type Compression } from './compression.js';
export { isLoopbackName } from './guard.js';
export { GATEWAY_LIMITS, type GatewayLimits } from './limits.js';
export type { CommandPort, ViewPort } from './ports.js';
export { type Gateway, type GatewayCounts, openGateway } from './server.js';
