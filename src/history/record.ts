// One run as one line of a file: JSON whose first member is a checksum of the rest. The progress comes last, so that a start reads the line without it.
import { crc32 } from 'node:zlib';
import type { HistoryRun, ProgressSample } from '../protocol/history.js';
import { formatMicros, type Micros, parseMicros } from '../protocol/time.js';
import type { SettledRun } from '../protocol/types.js';

/** A run that has settled; `startedAt` is the time of the entry that began it. */
export interface EndedRun {
  readonly settled: SettledRun;
  readonly startedAt: Micros | null;
}

export interface StoredRun extends HistoryRun {
  progress: readonly ProgressSample[];
}

/** @param now the end of a settlement without a time. */
export function recordOf({ settled: run, startedAt }: EndedRun, now: Micros): HistoryRun {
  const { source, job, run: name, cursor, time, settled } = run;
  const { type, outcome, provenance, pivoted, pivotProof, forced, escalated, requestedBy, len, offset } = settled;
  const endedAt = parseMicros(time) ?? now;
  return {
    source,
    job,
    run: name,
    type,
    start: startedAt === null ? null : formatMicros(startedAt),
    end: formatMicros(endedAt),
    // QEMU's clock may be ahead of the gateway's.
    durationMs: startedAt === null ? null : Math.max(0, Math.round((endedAt - startedAt) / 1_000)),
    outcome,
    provenance,
    pivoted,
    pivotProof,
    forced,
    escalated,
    requestedBy,
    len,
    offset,
    ...(settled.libvirt !== undefined && { libvirt: settled.libvirt }),
    ...(settled.error !== undefined && { error: settled.error }),
    ...(settled.began !== undefined && { began: settled.began }),
    ended: cursor,
  };
}

const HEAD_LENGTH = '{"crc":"00000000",'.length;
/** A quotation mark within a JSON string has a backslash before it, so this is no part of a text. */
const PROGRESS = ',"progress":[';

export function encodeLine(run: HistoryRun, progress: readonly ProgressSample[]): string {
  const rest = JSON.stringify({ ...run, progress }).slice(1);
  return `${headOf(Buffer.from(rest))}${rest}\n`;
}

/** The run without its progress; `undefined`: the line is damaged. @param line without its line break. */
export function decodeHead(line: Buffer): HistoryRun | undefined {
  const rest = restOf(line);
  const at = rest?.lastIndexOf(PROGRESS) ?? -1;
  return at < 0 ? undefined : (JSON.parse(`{${rest?.toString('utf8', 0, at)}}`) as HistoryRun);
}

export function decodeLine(line: Buffer): StoredRun | undefined {
  const rest = restOf(line);
  return rest && (JSON.parse(`{${rest}`) as StoredRun);
}

/** What the checksum is of. */
function restOf(line: Buffer): Buffer | undefined {
  const rest = line.subarray(HEAD_LENGTH);
  return line.toString('latin1', 0, HEAD_LENGTH) === headOf(rest) ? rest : undefined;
}

const headOf = (rest: Buffer): string => `{"crc":"${crc32(rest).toString(16).padStart(8, '0')}",`;
