// share: unix sockets at which other tools speak QMP over the gateway's connection to a monitor.

export { SHARE_LIMITS, type ShareLimitName, type ShareLimits } from './limits.js';
export type { ShareSettings } from './shared-socket.js';
export { Shares } from './shares.js';
