// Guards of the data of events, by type. A guest that controls its QEMU may write anything to the monitor, and a member of a cluster that was taken
// anything into the stream. Other members than those that are named may come from a later version, and are ignored.
import { isInt64 } from './int64.js';

export type Dict = Record<string, unknown>;
type Guard = (value: unknown) => boolean;

export const isDict = (value: unknown): value is Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === 'string';
/** QEMU's own names of types and statuses are below 32 characters. */
export const isWord = (value: unknown): value is string => isText(value) && value.length <= 256;
/** A job id or a node's name: QEMU allows any length, but what the gateway keeps of each job is bounded. */
export const isName = (value: unknown): value is string => isText(value) && value.length <= 65_536;
export const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
export const areTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
export const optional =
  (guard: Guard): Guard =>
  (value) =>
    value === undefined || guard(value);
export const nullable =
  (guard: Guard): Guard =>
  (value) =>
    value === null || guard(value);
/** Every named member passes its guard. */
export const hasMembers = (members: Readonly<Record<string, Guard>>): Guard => {
  const guards = Object.entries(members);
  return (value) => isDict(value) && guards.every(([name, guard]) => guard(value[name]));
};
export const listOf =
  (guard: Guard): Guard =>
  (value) =>
    Array.isArray(value) && value.every(guard);

const isBlockJob = (data: unknown): boolean =>
  isDict(data) &&
  isName(data.device) &&
  isWord(data.type) &&
  isInt64(data.len) &&
  isInt64(data.offset) &&
  isInt64(data.speed) &&
  (data.error === undefined || isText(data.error));

/**
 * The events that the job model reads (qapi/block-core.json, qapi/job.json). Every other event only needs an object as its data. Thousands of events
 * pass here a second, so each guard reads its members by name, which is fast.
 */
const QEMU = new Map<string, Guard>([
  ['JOB_STATUS_CHANGE', (data) => isDict(data) && isName(data.id) && isWord(data.status)],
  ['BLOCK_JOB_COMPLETED', isBlockJob],
  ['BLOCK_JOB_CANCELLED', isBlockJob],
  ['BLOCK_JOB_READY', isBlockJob],
  ['BLOCK_JOB_ERROR', (data) => isDict(data) && isName(data.device) && isWord(data.operation) && isWord(data.action)],
  ['BLOCK_JOB_PENDING', (data) => isDict(data) && isName(data.id) && isWord(data.type)],
]);

/** Whether QEMU's event has the data that is read of it. */
export function isEventData(type: string, data: unknown): data is Dict {
  return (QEMU.get(type) ?? isDict)(data);
}

/** The data of GATEWAY_JOB_SETTLED. */
export const isSettlement = hasMembers({
  ...{ outcome: isWord, provenance: isWord, pivotProof: nullable(isWord), type: nullable(isWord) },
  pivoted: (value) => isFlag(value) || value === 'unknown',
  ...{ forced: isFlag, escalated: isFlag, dismissed: isFlag, requestedBy: areTexts },
  ...{ len: nullable(isInt64), offset: nullable(isInt64) },
  ...{ began: optional(isText), libvirt: optional(isText), error: optional(isText) },
});

/** What a source is, as several of its events say. */
export const isSourceAbout = hasMembers({
  ...{ provider: optional(isWord), label: optional(isText), qemu: optional(isText), owner: optional(isText) },
  verbs: optional(areTexts),
});

const GATEWAY: ReadonlyMap<string, Guard> = new Map([
  ['GATEWAY_SOURCE_UP', isSourceAbout],
  ['GATEWAY_SOURCE_SYNCED', isSourceAbout],
  ['GATEWAY_SOURCE_DOWN', hasMembers({ reason: isWord, owner: optional(isText) })],
  [
    'GATEWAY_JOB_FOUND',
    hasMembers({
      ...{ type: nullable(isWord), status: isWord, continuity: optional(isWord) },
      ...{ autoFinalize: optional(isFlag), autoDismiss: optional(isFlag) },
    }),
  ],
  ['GATEWAY_JOB_ATTENTION', hasMembers({ ioStatus: isWord, operation: isWord, action: isWord })],
  ['GATEWAY_JOB_SETTLED', isSettlement],
  ['GATEWAY_COMMAND', hasMembers({ command: isText, verb: isWord, by: isText, request: optional(isText) })],
  ['GATEWAY_COMMAND_ANSWERED', hasMembers({ command: isText, result: isWord, error: optional(isText) })],
]);

/**
 * Whether an entry of the log has the data that is read of it.
 *
 * @param ofJob whether it names a job: an event too large to keep whole may have lost the job's id, and is then of none.
 */
export function isEntryData(type: string, data: unknown, ofJob: boolean): data is Dict {
  const guard = GATEWAY.get(type) ?? (ofJob ? QEMU.get(type) : undefined) ?? isDict;
  return guard(data);
}
