// Classifies one parsed JSON value from a monitor. Never throws: what is not QMP is `malformed`.
import { type Dict, isDict, isEventData } from '../protocol/event-data.js';
import { cutText } from '../protocol/text.js';
import type { Micros } from '../protocol/time.js';
import { truncateData } from './guards.js';
import type { QmpEvent, QmpGreeting } from './qapi.js';

export type QmpMessage =
  | { kind: 'event'; event: QmpEvent }
  | { kind: 'greeting'; greeting: QmpGreeting }
  | { kind: 'return'; id: unknown; value: unknown }
  | { kind: 'error'; id: unknown; class: string; desc: string }
  | { kind: 'malformed'; why: string };

/** Bounds on the parts of a message that are kept for long. */
export interface MessageLimits {
  /** Bytes of an event up to which its data is kept whole. */
  maxEventBytes: number;
  /** Characters of an error's text. */
  maxText: number;
  eventCut?: (() => void) | undefined;
}

/** Characters of an event's name, of an error's class and of a version's package: QEMU's own are below 64. */
const NAME_LENGTH = 256;

/** QEMU's `{seconds, microseconds}`; both -1 where the host has no time (docs/interop/qmp-spec.rst). */
function readTimestamp(value: unknown): Micros | null {
  if (!isDict(value) || typeof value.seconds !== 'number' || typeof value.microseconds !== 'number') return null;
  const { seconds, microseconds } = value;
  const moment = seconds * 1e6 + microseconds;
  return seconds >= 0 && microseconds >= 0 && Number.isSafeInteger(moment) ? moment : null;
}

const malformed = (why: string): QmpMessage => ({ kind: 'malformed', why });

/** @param bytes of the message on the wire. */
export function readMessage(value: unknown, bytes: number, limits: MessageLimits): QmpMessage {
  if (!isDict(value)) return malformed('not a JSON object');
  if ('event' in value) return readEvent(value, bytes, limits);
  if ('return' in value) return { kind: 'return', id: value.id, value: value.return };
  if ('error' in value) return readError(value, limits);
  if (isDict(value.QMP)) return readGreeting(value.QMP);
  return malformed('neither greeting, event, return nor error');
}

function readEvent({ event: type, data = {}, timestamp }: Dict, bytes: number, limits: MessageLimits): QmpMessage {
  if (typeof type !== 'string' || type.length > NAME_LENGTH) return malformed('an event without a name');
  // A monitor must not forge the gateway's own events: clients would trust an outcome in one.
  if (/^(?:GATEWAY|LIBVIRT)_/.test(type)) return malformed('an event under a name that is the gateway’s own');
  if (!isEventData(type, data)) return malformed(`malformed data of ${type}`);
  const time = readTimestamp(timestamp);
  if (bytes <= limits.maxEventBytes) return { kind: 'event', event: { type, time, data, bytes } };
  limits.eventCut?.();
  const kept = truncateData(data, bytes, limits.maxText);
  return { kind: 'event', event: { type, time, data: kept, bytes: JSON.stringify(kept).length } };
}

function readError({ id, error }: Dict, { maxText }: MessageLimits): QmpMessage {
  if (!isDict(error)) return malformed('an error that is no object');
  const { class: name = 'GenericError', desc = '' } = error;
  if (typeof name !== 'string' || typeof desc !== 'string') return malformed('an error whose class or desc is no text');
  return { kind: 'error', id, class: cutText(name, NAME_LENGTH), desc: cutText(desc, maxText) };
}

function readGreeting({ version, capabilities }: Dict): QmpMessage {
  const qemu = isDict(version) ? version.qemu : undefined;
  if (!isDict(version) || !isDict(qemu)) return malformed('a greeting without a version');
  const { major, minor, micro } = qemu;
  const { package: build = '' } = version;
  if (![major, minor, micro].every((each) => Number.isSafeInteger(each)) || typeof build !== 'string')
    return malformed('a greeting with a malformed version');
  return {
    kind: 'greeting',
    greeting: {
      version: {
        qemu: { major: major as number, minor: minor as number, micro: micro as number },
        package: cutText(build, NAME_LENGTH),
      },
      capabilities: Array.isArray(capabilities) ? capabilities : [],
    },
  };
}
