// gateway: WebSocket and HTTP, subscriptions and fan-out.
export { authorize } from './authorize.js';
export { COMPRESSION, type Compression } from './http/compression.js';
export type { ListenAddress } from './http/listen.js';
export { isLoopbackName } from './http/origin-policy.js';
export { type Gateway, type GatewayCounts, type GatewayOptions, openGateway } from './http/server.js';
export { NO_PROXY, type ParsedTrust, type ProxyTrust, parseTrust } from './http/transport.js';
export { GATEWAY_LIMITS, type GatewayLimits } from './limits.js';
export type { CommandName, CommandPort, HistoryPort, ViewPort } from './ports.js';
export {
  AUTHENTICATION_FAILURES,
  GATEWAY_LIMIT_NAMES,
  type GatewayRecorder,
} from './recorder.js';
export { CommandTracing } from './tracing.js';
