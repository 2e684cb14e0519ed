// One parsed JSON value of a monitor in, one of a closed set of messages out. Never throws: what is not QMP is `alien`.
import type { Micros } from '../protocol/time.js';
import type { QmpEvent, QmpGreeting } from './vocabulary.js';

export type QmpMessage =
  | { kind: 'event'; event: QmpEvent }
  | { kind: 'greeting'; greeting: QmpGreeting }
  | { kind: 'return'; id: unknown; value: unknown }
  | { kind: 'error'; id: unknown; class: string; desc: string }
  | { kind: 'alien'; why: string };

type Dict = Record<string, unknown>;
const isDict = (value: unknown): value is Dict => typeof value === 'object' && value !== null && !Array.isArray(value);

/** QEMU's `{seconds, microseconds}`; both -1 where the host has no time (docs/interop/qmp-spec.rst). */
function readTimestamp(value: unknown): Micros | null {
  if (!isDict(value) || typeof value.seconds !== 'number' || typeof value.microseconds !== 'number') return null;
  const { seconds, microseconds } = value;
  const moment = seconds * 1e6 + microseconds;
  return seconds >= 0 && microseconds >= 0 && Number.isSafeInteger(moment) ? moment : null;
}

export function readMessage(value: unknown): QmpMessage {
  if (!isDict(value)) return { kind: 'alien', why: 'not a JSON object' };
  if (typeof value.event === 'string') {
    const { event: type, data, timestamp } = value;
    return { kind: 'event', event: { type, time: readTimestamp(timestamp), data: data ?? {} } };
  }
  if ('return' in value) return { kind: 'return', id: value.id, value: value.return };
  if (isDict(value.error)) {
    const { class: name, desc } = value.error;
    return { kind: 'error', id: value.id, class: String(name ?? 'GenericError'), desc: String(desc ?? '') };
  }
  if (isDict(value.QMP)) return readGreeting(value.QMP);
  return { kind: 'alien', why: 'neither greeting, event, return nor error' };
}

function readGreeting(greeting: Dict): QmpMessage {
  const version = greeting.version;
  const qemu = isDict(version) ? version.qemu : undefined;
  if (!isDict(version) || !isDict(qemu)) return { kind: 'alien', why: 'a greeting without a version' };
  return {
    kind: 'greeting',
    greeting: {
      version: {
        qemu: { major: Number(qemu.major), minor: Number(qemu.minor), micro: Number(qemu.micro) },
        package: String(version.package ?? ''),
      },
      capabilities: Array.isArray(greeting.capabilities) ? greeting.capabilities : [],
    },
  };
}
