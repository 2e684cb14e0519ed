// config: what the operator has set, from flags, environment and files.
export { type ClusterSettings, readClusterSettings, redactServer } from './cluster.js';
export { type Config, EXPOSED, type ReadConfig, readConfig } from './config.js';
export type { ConfigInput } from './given.js';
export type { Limits } from './limits.js';
export { describeVariable, unknownVariables } from './names.js';
export { LOG_LEVELS, SETTINGS } from './settings.js';
