// Commands: none is executed twice, none reaches a monitor without its entry, and each call is answered in time with what the stream says.
import { type Log, type LogEntry, logAt, positionOf } from './log.js';
import type { CallRecord, MonitorRecord, Violation } from './record.js';

/** Milliseconds that an answer may be late: timers, three sockets and a busy machine. */
const LATE_MS = 1_500;
/** Milliseconds that the client itself waits beyond the bound. */
const GRACE_MS = 5_000;

interface CommandData {
  command: string;
  verb: string;
  args?: { force?: boolean };
  result?: string;
}

const dataOf = ({ data }: LogEntry): CommandData => data as CommandData;
const add = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** @param calls of the whole run, with all sources. */
export function checkCommands(
  logs: readonly Log[],
  monitors: readonly MonitorRecord[],
  calls: readonly CallRecord[],
): Violation[] {
  const violations: Violation[] = [];
  const wrong = (who: string, what: string): void => void violations.push({ rule: 'command', who, what });
  const commands = new Map<string, { entry: LogEntry; answers: number }>();
  /** Aborts in the stream, by source and job. */
  const aborts = new Map<string, number>();
  /** Accepted aborts, by run and force: a second one would have joined the first. */
  const accepted = new Map<string, number>();
  for (const log of logs)
    for (const entry of log.entries) {
      const { type, source, job, offset } = entry;
      const where = `${source} ${log.epoch}:${offset}`;
      if (type === 'GATEWAY_COMMAND') {
        const { command, verb } = dataOf(entry);
        if (commands.has(command)) wrong(where, `${command} is written twice`);
        commands.set(command, { entry, answers: 0 });
        if (verb === 'abort') add(aborts, `${source} ${job?.id}`);
      }
      if (type !== 'GATEWAY_COMMAND_ANSWERED') continue;
      const { command, result } = dataOf(entry);
      const known = commands.get(command);
      if (!known) {
        if (log.firstOffset === 0 && logs.length === 1) wrong(where, `${command} is answered and was never written`);
        continue;
      }
      known.answers += 1;
      if (known.answers > 1) wrong(where, `${command} is answered twice`);
      const { verb, args } = dataOf(known.entry);
      if (verb === 'abort' && result === 'accepted') {
        const key = `${source} ${known.entry.job?.run} ${args?.force === true ? 'forced' : 'soft'}`;
        add(accepted, key);
        if ((accepted.get(key) ?? 0) === 2) wrong(where, `a second abort of one run is accepted: ${key}`);
      }
    }
  // What was written before a stream was deleted, and after it was read, is not known.
  if (logs.length > 1) return violations;
  const arrived = new Map<string, number>();
  for (const { source, written } of monitors)
    for (const { execute, job } of written) if (execute.endsWith('-cancel')) add(arrived, `${source} ${job}`);
  for (const [key, count] of arrived) {
    const known = aborts.get(key) ?? 0;
    if (count > known) wrong(key, `${count} cancels arrived at the monitor, and the stream has ${known}`);
  }
  const asked = new Set(calls.map(({ source, job }) => `${source} ${job}`));
  for (const key of aborts.keys()) if (!asked.has(key)) wrong(key, 'an abort was written that nobody asked for');
  return violations;
}

/** Answered within its bound, and by what the stream says. */
export function checkCall(call: CallRecord, logs: readonly Log[]): Violation[] {
  const violations: Violation[] = [];
  const { who, source, job, sync, timeoutMs, tookMs, cut, answer } = call;
  const wrong = (what: string): void =>
    void violations.push({ rule: 'call', who: `${who} ${source} ${job}`, what: `${sync ? 'sync' : 'async'}: ${what}` });
  const bound = cut ? timeoutMs + GRACE_MS : timeoutMs;
  if (answer.kind === 'none') wrong(`no answer within ${Math.round(tookMs)} ms, its bound was ${timeoutMs}`);
  else if (tookMs > bound + LATE_MS) {
    const said = answer.kind === 'error' ? answer.reason : 'a result';
    wrong(`answered after ${Math.round(tookMs)} ms by ${said}, its bound was ${timeoutMs}`);
  }
  if (answer.kind === 'error' && !answer.isServers && answer.reason === 'NO_ANSWER' && !cut)
    wrong(`the gateway did not answer, its bound was ${timeoutMs}`);
  if (answer.kind !== 'result') return violations;
  const { status, cursor, run, outcome } = answer.result as Record<string, string>;
  const log = cursor === undefined ? undefined : logAt(logs, cursor);
  if (!log || cursor === undefined) {
    wrong(`an answer from an epoch that no stream had: ${cursor}`);
    return violations;
  }
  if (status !== 'settled') {
    if (sync) wrong('a synchronous abort was answered before the end');
    return violations;
  }
  const { offset } = positionOf(cursor);
  if (offset < log.firstOffset || offset > log.lastOffset) return violations;
  const entry = log.byOffset.get(offset);
  const said = (entry?.data as { outcome?: string } | undefined)?.outcome;
  if (entry?.type !== 'GATEWAY_JOB_SETTLED' || entry.job?.run !== run || said !== outcome)
    wrong(
      `${run} ${outcome} at ${cursor}, where the stream has ${entry?.type ?? 'nothing'} of ${entry?.job?.run} (${said})`,
    );
  return violations;
}
