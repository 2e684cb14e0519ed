// The verdict on a chaos run: every violation of a guarantee in what all parties recorded. Pure.
import { checkMonitor } from './check-monitor.js';
import { checkEnd, checkRuns, checkShots, offsetOf } from './check-runs.js';
import { checkStream, type Shot, type StreamContext } from './check-stream.js';
import { type Log, logsOf, positionOf } from './log.js';
import type { AbortRecord, ChaosRecord, Violation } from './record.js';

/** Milliseconds that an answer may be late: timers, two sockets and a busy machine. */
const LATE_MS = 1_000;

export function check(record: ChaosRecord): Violation[] {
  const { logs, violations } = logsOf(record.witness);
  const context: StreamContext = { logs, retained: record.retained, matching: new Map() };
  const shots: Shot[] = [];
  for (const subscriber of [record.witness, ...record.subscribers]) {
    const seen = checkStream(subscriber, context);
    violations.push(...seen.violations);
    shots.push(...seen.shots);
  }
  for (const log of logs) violations.push(...checkRuns(log), ...checkShots(log, shots));
  for (const monitor of record.monitors) violations.push(...checkMonitor(monitor, logs));
  const last = logs.at(-1);
  if (last) violations.push(...checkEnd(last, record.monitors));
  for (const abort of record.aborts) violations.push(...checkAbort(abort, logs));
  return violations;
}

/** G4, and an answer that says what the log says. */
function checkAbort({ source, job, sync, timeoutMs, tookMs, answer }: AbortRecord, logs: readonly Log[]): Violation[] {
  const violations: Violation[] = [];
  const wrong = (what: string): void => void violations.push({ rule: 'abort', who: `${source} ${job}`, what });
  if (answer.kind === 'none') wrong(`no answer within ${tookMs} ms, its bound was ${timeoutMs}`);
  else if (answer.kind !== 'cut' && tookMs > timeoutMs + LATE_MS)
    wrong(`answered after ${tookMs} ms, its bound was ${timeoutMs}`);
  if (answer.kind !== 'result') return violations;
  const { status, cursor, run, outcome, provenance } = answer.result as Record<string, string>;
  const log = logs.find(({ epoch }) => epoch === positionOf(cursor ?? '').epoch);
  if (!log || cursor === undefined) {
    wrong(`an answer from an epoch that nobody saw: ${cursor}`);
    return violations;
  }
  if (status === 'settled') {
    const entry = log.entries[offsetOf(cursor) - 1];
    const settled = entry?.data as { outcome?: string; provenance?: string } | undefined;
    if (
      entry?.type !== 'GATEWAY_JOB_SETTLED' ||
      entry.job?.run !== run ||
      settled?.outcome !== outcome ||
      settled?.provenance !== provenance
    )
      wrong(`${outcome} (${provenance}) at ${cursor}, where the log has ${JSON.stringify(entry)?.slice(0, 200)}`);
  } else if (sync) wrong('a synchronous abort was answered before the end');
  return violations;
}
