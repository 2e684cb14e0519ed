// The server's messages as server-sent events (WHATWG HTML, 9.2). An `id` is a cursor from which a client that reconnects lacks nothing, so a message that
// is only a part has none. Pure.
import type { Refusal } from '../../protocol/answer.js';
import type { ErrorReason } from '../../protocol/codes.js';
import { formatCursor, parseCursor } from '../../protocol/cursor.js';
import type { Notifications, Subscribed } from '../../protocol/methods.js';
import { payloadOf, type SharedFrame } from './frame.js';
import type { WireForm } from './outbox.js';

/** What a client asked to go on from, if it did. */
export type Asked = { after: string } | undefined;

interface Message {
  method?: string;
  params?: object;
  result?: object;
  error?: { message: string; data: { reason: ErrorReason } & Refusal['data'] };
}

/** One block of the stream. Data without an event name reaches `EventSource.onmessage`; without data only the id is taken. */
export function block(fields: { id?: string | undefined; event?: string; retry?: number; data?: unknown }): string {
  const { id, event, retry, data } = fields;
  const lines = [
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(data === undefined ? [] : [`data: ${JSON.stringify(data)}`]),
  ];
  return `${lines.join('\n')}\n\n`;
}

/** The frame of a notification as blocks. */
export function notificationBlocks(payload: string): string {
  const { method, params } = JSON.parse(payload) as Message;
  switch (method) {
    case 'events':
      return eventBlocks(params as Notifications['events']);
    case 'snapshot': {
      const { subscription: _, ...data } = params as Notifications['snapshot'];
      return block({ event: 'snapshot', id: data.last ? data.cursor : undefined, data });
    }
    case 'reset': {
      const { subscription: _, next: __, ...data } = params as Notifications['reset'];
      return block({ event: 'reset', id: data.pages === undefined ? data.cursor : undefined, data });
    }
    case 'progress': {
      const { jobs } = params as Notifications['progress'];
      return block({ event: 'progress', data: { jobs } });
    }
    case 'bye': {
      const data = params as Notifications['bye'];
      return block({ event: 'bye', retry: data.retryAfterMs, data });
    }
    default:
      return block({ event: method ?? 'message', data: params });
  }
}

/** Each event has its own cursor; the last one that of the position up to which the client has everything. */
function eventBlocks({ cursor, events }: Notifications['events']): string {
  const epoch = parseCursor(cursor)?.epoch ?? '';
  const last = events.length - 1;
  return events
    .map((data, at) => block({ id: at === last ? cursor : formatCursor(epoch, data.offset), data }))
    .join('');
}

/** The reply to `subscribe`: what the stream begins with. */
export function beginningBlock(payload: string, asked: Asked): string {
  const { result } = JSON.parse(payload) as Message;
  const { subscription: _, resumed, ...data } = result as Subscribed;
  const { cursor, jobs, pages } = data;
  if (jobs === undefined && pages === undefined)
    return block({ event: 'subscribed', id: cursor, data: { resumed, ...data } });
  const id = pages === undefined ? cursor : undefined;
  if (asked === undefined) return block({ event: 'snapshot', id, data });
  const epoch = parseCursor(asked.after)?.epoch;
  const reason = epoch === parseCursor(cursor)?.epoch ? 'retention' : 'epoch';
  return block({ event: 'reset', id, data: { reason, ...data } });
}

/** The bytes of an event stream. Those of a shared frame are made once for all streams that get it. */
export class EventStreamForm implements WireForm {
  readonly #asked: Asked;

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  formOf(frame: SharedFrame): Buffer {
    frame.blocks ??= this.own(frame.bytes);
    return frame.blocks;
  }

  join(head: string, tail: SharedFrame): Buffer {
    return Buffer.from(beginningBlock(`${head}${payloadOf(tail.bytes).toString()}`, this.#asked));
  }

  /** What the client is refused, if the frame says that. */
  refusalOf(frame: Buffer): Refusal | undefined {
    const { error } = JSON.parse(payloadOf(frame).toString()) as Message;
    if (error === undefined) return undefined;
    const { reason, ...data } = error.data;
    return { reason, message: error.message, data };
  }

  own(frame: Buffer): Buffer {
    return Buffer.from(notificationBlocks(payloadOf(frame).toString()));
  }
}
