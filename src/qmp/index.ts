// qmp: one connection to one monitor.

export { MonitorLost } from './connection-error.js';
export type { QemuCommands } from './generated/commands.js';
export { parseVerbatim, stringifyJson } from './json.js';
export { QMP_LIMITS, type QmpLimits } from './limits.js';
export { converse, type MonitorAddress, type MonitorState, openMonitor } from './monitor.js';
export {
  type BlockGraph,
  type BlockJobInfo,
  formatVersion,
  type JobInfo,
  type QmpCommandName,
  type QmpCommands,
  type QmpEvent,
  type QmpEventOf,
  type QmpGreeting,
} from './qapi.js';
export { type RelayedEvent, type RelayedReply, readRelayedEvent, readRelayedReply } from './relayed.js';
export {
  type ExecuteOptions,
  ofType,
  type QmpLane,
  type QmpOptions,
  type QmpReply,
  type QmpSession,
} from './session.js';
export type { ToolCommand, ToolReply } from './tool-command.js';
