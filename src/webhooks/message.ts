// What is POSTed: the body of an entry or of a gap in the format that was asked for, and its signature.
import { createHmac } from 'node:crypto';
import type { LoggedEntry } from '../log/index.js';
import { formatCursor, type Position } from '../protocol/cursor.js';
import { formatMicros } from '../protocol/time.js';
import type { Gap } from './delivery.js';

export const FORMATS = ['plain', 'cloudevents'] as const;
/** `plain`: `{cursor, event}`. `cloudevents`: CloudEvents 1.0 in structured mode, whose `data` is the entry. */
export type Format = (typeof FORMATS)[number];

export interface Message {
  /** The same in every attempt: an entry's cursor. */
  id: string;
  type: string;
  body: string;
}

const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  plain: 'application/json',
  cloudevents: 'application/cloudevents+json',
};

export function entryMessage(entry: LoggedEntry, epoch: string, format: Format): Message {
  const id = formatCursor(epoch, entry.offset);
  const type = CONTENT_TYPES[format];
  if (format === 'plain') return { id, type, body: `{"cursor":${JSON.stringify(id)},"event":${entry.json}}` };
  const attributes = {
    id,
    source: `qmp-gateway/${encodeURIComponent(entry.source)}`,
    type: `qmp-gateway.${entry.type}`,
    subject: entry.job?.id,
    time: entry.time === null ? undefined : formatMicros(entry.time),
  };
  // The entry's own text: 64-bit integers in it stay as QEMU sent them.
  return { id, type, body: cloudEvent(attributes, entry.json) };
}

export function gapMessage({ from, reason }: Gap, position: Position, format: Format): Message {
  const to = formatCursor(position.epoch, position.offset);
  const id = `gap:${from ?? ''}-${to}`;
  const type = CONTENT_TYPES[format];
  const gap = { from, to, reason };
  if (format === 'plain') return { id, type, body: JSON.stringify({ gap }) };
  return { id, type, body: cloudEvent({ id, source: 'qmp-gateway', type: 'qmp-gateway.gap' }, JSON.stringify(gap)) };
}

const cloudEvent = (attributes: object, data: string): string =>
  `${JSON.stringify({ specversion: '1.0', ...attributes, datacontenttype: 'application/json' }).slice(0, -1)},"data":${data}}`;

/** Of the header `X-Qmp-Gateway-Signature`. @param seconds since 1970. */
export function sign(secret: string, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}
