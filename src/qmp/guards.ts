// The shapes of QEMU's replies that the other layers rely on, and what is kept of an event that is too large. A guest that controls its QEMU may write anything to the monitor, so a
// message that fails here ends the connection with the reason `protocol`.
import { type Dict, hasMembers, isFlag, isName, isText, isWord, listOf, optional } from '../protocol/event-data.js';
import { isInt64 } from '../protocol/int64.js';
import { cutText } from '../protocol/text.js';
import type { QmpCommandName } from './qapi.js';

type Guard = (value: unknown) => boolean;

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
