// The shapes of QEMU's replies and events that the other layers rely on. A guest that controls its QEMU may write anything to the monitor, so a
// message that fails here ends the connection with the reason `protocol`.
import { cutText } from '../protocol/text.js';
import type { Int64 } from '../protocol/types.js';
import type { QmpCommandName } from './qapi.js';

export type Dict = Record<string, unknown>;
export const isDict = (value: unknown): value is Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An integer of 64 bits as `parseJson` gives it: a safe integer, or beyond that a decimal string. */
export const isInt64 = (value: unknown): value is Int64 =>
  Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d{16,20}$/.test(value));

const isText = (value: unknown): value is string => typeof value === 'string';
/** QEMU's own names of types and statuses are below 32 characters. */
const isWord = (value: unknown): value is string => isText(value) && value.length <= 256;
/** A job id or a node's name: QEMU allows any length, but what the gateway keeps of each job is bounded. */
const isName = (value: unknown): value is string => isText(value) && value.length <= 65_536;
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
type Guard = (value: unknown) => boolean;
const optional =
  (guard: Guard): Guard =>
  (value) =>
    value === undefined || guard(value);

/** Every named member passes its guard; other members may come from a later QEMU and are ignored. */
const hasMembers =
  (members: Record<string, Guard>): Guard =>
  (value) =>
    isDict(value) && Object.entries(members).every(([name, guard]) => guard(value[name]));

const listOf =
  (guard: Guard): Guard =>
  (value) =>
    Array.isArray(value) && value.every(guard);

const measures = { len: isInt64, offset: isInt64, speed: isInt64 };

/** Commands whose replies have values that are used: each has a guard. */
type Query = Extract<QmpCommandName, `query-${string}` | `x-debug-query-${string}`>;

const REPLIES: Readonly<Record<Query, Guard>> = {
  'query-name': hasMembers({ name: optional(isText) }),
  'query-version': hasMembers({
    qemu: hasMembers({ major: Number.isSafeInteger, minor: Number.isSafeInteger, micro: Number.isSafeInteger }),
  }),
  'query-commands': listOf(hasMembers({ name: isWord })),
  'query-events': listOf(hasMembers({ name: isWord })),
  'query-block-jobs': listOf(
    hasMembers({
      ...measures,
      type: isWord,
      device: isName,
      busy: optional(isFlag),
      paused: optional(isFlag),
      ready: optional(isFlag),
      'io-status': optional(isWord),
      status: optional(isWord),
      'auto-finalize': optional(isFlag),
      'auto-dismiss': optional(isFlag),
      error: optional(isText),
    }),
  ),
  'query-jobs': listOf(
    hasMembers({
      id: isName,
      type: isWord,
      status: isWord,
      'current-progress': isInt64,
      'total-progress': isInt64,
      error: optional(isText),
    }),
  ),
  'query-cpus-fast': listOf(hasMembers({ 'thread-id': Number.isSafeInteger })),
  'x-debug-query-block-graph': hasMembers({
    nodes: listOf(hasMembers({ id: Number.isSafeInteger, type: isWord, name: isName })),
    edges: listOf(hasMembers({ parent: Number.isSafeInteger, child: Number.isSafeInteger, name: isName })),
  }),
};

/** `true` for any other command: what it replies is not read. */
export function isReplyTo(name: string, value: unknown): boolean {
  return Object.hasOwn(REPLIES, name) ? REPLIES[name as Query](value) : true;
}

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
const EVENTS = new Map<string, Guard>([
  ['JOB_STATUS_CHANGE', (data) => isDict(data) && isName(data.id) && isWord(data.status)],
  ['BLOCK_JOB_COMPLETED', isBlockJob],
  ['BLOCK_JOB_CANCELLED', isBlockJob],
  ['BLOCK_JOB_READY', isBlockJob],
  ['BLOCK_JOB_ERROR', (data) => isDict(data) && isName(data.device) && isWord(data.operation) && isWord(data.action)],
  ['BLOCK_JOB_PENDING', (data) => isDict(data) && isName(data.id) && isWord(data.type)],
]);

export function isEventData(type: string, data: unknown): data is Dict {
  return (EVENTS.get(type) ?? isDict)(data);
}

/** Members that are kept of an event too large to keep whole: those that the job model reads. */
const KEPT = ['id', 'device', 'type', 'len', 'offset', 'speed', 'status', 'operation', 'action'] as const;

/**
 * The data of an event over the limit, reduced to its size and the members that the job model reads. An error text is only cut, not dropped: that
 * there is one decides the outcome.
 */
export function truncateData(data: Dict, bytes: number, textLength: number): Dict {
  const kept: Dict = { truncated: bytes };
  for (const name of KEPT) {
    const value = data[name];
    if (typeof value === 'number' || (typeof value === 'string' && value.length <= textLength)) kept[name] = value;
  }
  if (typeof data.error === 'string') kept.error = cutText(data.error, textLength);
  return kept;
}
