// qmp: one conversation with one monitor.
export { stringifyJson } from './json.js';
export { QMP_LIMITS, type QmpLimits } from './limits.js';
export { MonitorLost } from './lost.js';
export { type MonitorAddress, type MonitorState, openMonitor } from './monitor.js';
export { type ExecuteOptions, ofType, type QmpLane, type QmpReply, type QmpSession } from './session.js';
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
} from './vocabulary.js';
