// QMP that another program relays, one reply or event at a time: the same guards and bounds as on a monitor's own connection.
import type { Micros } from '../protocol/time.js';
import { isReplyTo } from './guards.js';
import { parseJson } from './json.js';
import { QMP_LIMITS } from './limits.js';
import { readMessage } from './message.js';
import type { QmpCommandName, QmpEvent } from './qapi.js';
import type { QmpReply } from './session.js';

export type RelayedReply = Extract<QmpReply, { kind: 'return' | 'error' }> | { kind: 'malformed'; why: string };
export type RelayedEvent = { kind: 'event'; event: QmpEvent } | { kind: 'malformed'; why: string };

/** @param text QEMU's reply to that command, as JSON. */
export function readRelayedReply(name: QmpCommandName, text: string): RelayedReply {
  const parsed = parseJson(text);
  if (!parsed.ok) return { kind: 'malformed', why: parsed.error };
  const message = readMessage(parsed.value, text.length, QMP_LIMITS);
  if (message.kind === 'error') return { kind: 'error', class: message.class, desc: message.desc };
  if (message.kind === 'return' && isReplyTo(name, message.value)) return { kind: 'return', value: message.value };
  return { kind: 'malformed', why: message.kind === 'malformed' ? message.why : `malformed reply to ${name}` };
}

/**
 * @param time by QEMU's clock. @param text its data as JSON; `undefined` where QEMU sent none.
 * @param eventCut called where the data was too large to be kept whole.
 */
export function readRelayedEvent(
  type: string,
  time: Micros | null,
  text: string | undefined,
  eventCut?: () => void,
): RelayedEvent {
  const parsed = text === undefined ? undefined : parseJson(text);
  if (parsed?.ok === false) return { kind: 'malformed', why: parsed.error };
  const bytes = type.length + (text?.length ?? 2);
  const message = readMessage({ event: type, ...(parsed && { data: parsed.value }) }, bytes, {
    ...QMP_LIMITS,
    eventCut,
  });
  if (message.kind !== 'event')
    return { kind: 'malformed', why: message.kind === 'malformed' ? message.why : 'no event' };
  return { kind: 'event', event: { ...message.event, time } };
}
