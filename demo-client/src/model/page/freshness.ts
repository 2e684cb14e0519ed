// Whether what the page shows is up to date, as a sentence. Pure.
import type { ClientState } from 'qmp-gateway/client';
import { formatDuration } from 'qmp-gateway/protocol';
import type { Tone } from '../run/outcome.js';

/** The gateway sends something at least every 15 s. */
const SILENT_MS = 20_000;
/** A later event is not shown as live. Differing clocks are late too. */
const LATE_MS = 2_000;

interface Lag {
  /** Age of the newest event when it came, in milliseconds. */
  eventMs?: number;
  /** When the last message came, in milliseconds since 1970. */
  heardAt?: number;
}

export function freshness(
  { phase }: ClientState,
  { eventMs, heardAt }: Lag,
  now: number,
): { text: string; tone: Tone } {
  if (heardAt === undefined) return { text: 'Nothing received yet.', tone: 'calm' };
  const age = Math.max(0, now - heardAt);
  if (phase !== 'open') return { text: `Not connected: this is as of ${formatDuration(age)} ago.`, tone: 'warn' };
  if (age > SILENT_MS) return { text: `The gateway has sent nothing for ${formatDuration(age)}.`, tone: 'warn' };
  if ((eventMs ?? 0) <= LATE_MS) return { text: 'Up to date.', tone: 'calm' };
  const late = formatDuration(eventMs ?? 0);
  return { text: `The last event came ${late} after QEMU raised it, or the clocks differ by that.`, tone: 'warn' };
}
