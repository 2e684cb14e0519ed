// Runs and settlements in the stream, against the lives of the jobs in the monitors.
import type { Settlement } from '../../src/protocol/index.js';
import type { Place } from './check-monitors.js';
import { isBlind, type Log } from './log.js';
import type { MonitorRecord, Violation } from './record.js';

interface Run {
  settled: Settlement | undefined;
  /** Its id is free again. */
  isOver: boolean;
  /** What came first of it in this stream was not its beginning. */
  isOlder: boolean;
  /** Nobody may have listened while it lived. */
  wasBlind: boolean;
}

const statusOf = (data: unknown): string => String((data as { status?: unknown } | undefined)?.status);

/**
 * Each run settles at most once, nothing of it follows its end, and one that is lost had a time in which nobody listened.
 *
 * @param former runs of a stream before this one, which was deleted: they may have settled there after it was last read, and others may have begun.
 * `undefined`: there was none.
 */
export function checkRuns(
  log: Log,
  former?: ReadonlyMap<string, Run>,
): { violations: Violation[]; runs: Map<string, Run> } {
  const violations: Violation[] = [];
  const runs = new Map<string, Run>();
  const live = new Map<string, string>();
  const owners = new Map<string, Set<string>>();
  for (const { source, offset, type, job, data, internal } of log.entries) {
    const wrong = (what: string): void =>
      void violations.push({ rule: 'runs', who: `${source} ${log.epoch}:${offset}`, what: `${type}: ${what}` });
    if (isBlind(type)) for (const run of owners.get(source) ?? []) markBlind(runs.get(run));
    // The answer to a command may come after the end, and what is internal is not told.
    if (!job || internal || type === 'GATEWAY_COMMAND_ANSWERED') continue;
    const { id, run: name } = job;
    const key = `${source} ${id}`;
    let run = runs.get(name);
    const before = live.get(key);
    if (before !== name) {
      const prior = before === undefined ? undefined : runs.get(before);
      const isUnknown = former !== undefined && (prior?.isOlder || former.has(before ?? ''));
      if (before !== undefined && !prior?.settled && !isUnknown)
        wrong(`begins ${name} while ${before} has not settled`);
      if (run) wrong(`is of ${name} although ${before} came after it`);
      live.set(key, name);
    }
    if (!run) {
      const isOlder = statusOf(data) !== 'created';
      run = { settled: undefined, isOver: false, isOlder, wasBlind: isOlder };
      runs.set(name, run);
      owners.set(source, (owners.get(source) ?? new Set()).add(name));
    } else if (run.isOver) wrong(`is of ${name} after its end`);
    if (type === 'GATEWAY_JOB_SETTLED') {
      if (run.settled) wrong(`${name} settles twice`);
      run.settled = data as Settlement;
      if (run.settled.dismissed) run.isOver = true;
      if (run.settled.outcome === 'lost' && !run.wasBlind) wrong(`${name} is lost although nobody was blind`);
      owners.get(source)?.delete(name);
    } else if (type === 'JOB_STATUS_CHANGE' && statusOf(data) === 'null' && run.settled) run.isOver = true;
  }
  return { violations, runs };
}

function markBlind(run: Run | undefined): void {
  if (run) run.wasBlind = true;
}

interface Life {
  job: string;
  from: number;
  to: number;
  outcome: 'completed' | 'failed' | 'cancelled' | undefined;
  hasEnded: boolean;
}

export function livesOf({ raised }: MonitorRecord): Life[] {
  const lives: Life[] = [];
  const live = new Map<string, Life>();
  for (const [index, { job, what }] of raised.entries()) {
    if (job === undefined) continue;
    if (what === 'created') {
      const life: Life = { job, from: index, to: index, outcome: undefined, hasEnded: false };
      lives.push(life);
      live.set(job, life);
    }
    const life = live.get(job);
    if (!life) continue;
    life.to = index;
    if (what === 'completed' || what === 'failed' || what === 'cancelled') life.outcome = what;
    if (what === 'concluded' || what === 'null') life.hasEnded = true;
    if (what === 'null') live.delete(job);
  }
  return lives;
}

/** A job that was seen is one run, which settles as the job ended. @param places of the monitor's events. */
export function checkLives(
  monitor: MonitorRecord,
  places: readonly Place[],
  runs: ReadonlyMap<string, { settled: Settlement | undefined }>,
  isWhole: boolean,
): Violation[] {
  const violations: Violation[] = [];
  const { source } = monitor;
  const lives = livesOf(monitor);
  const runsOf = new Map<Life, Set<string>>();
  const byJob = new Map<string, Life[]>();
  for (const life of lives) byJob.set(life.job, [...(byJob.get(life.job) ?? []), life]);
  for (const { index, entry } of places) {
    if (!entry.job) continue;
    const life = byJob.get(entry.job.id)?.find(({ from, to }) => index >= from && index <= to);
    if (life) runsOf.set(life, (runsOf.get(life) ?? new Set()).add(entry.job.run));
  }
  const livesOfRun = new Map<string, Life[]>();
  for (const [life, names] of runsOf) {
    if (names.size > 1 && isWhole)
      violations.push({ rule: 'truth', who: `${source} ${life.job}`, what: `one job has the runs ${[...names]}` });
    for (const name of names) livesOfRun.set(name, [...(livesOfRun.get(name) ?? []), life]);
  }
  for (const [name, all] of livesOfRun) {
    const who = `${source} ${all[0]?.job}`;
    const settled = runs.get(name)?.settled;
    // Where nobody listened between two jobs of one id, the run of the first goes on as that of the second.
    if (settled ? !all.some((life) => isSo(settled, life)) : isWhole && all.every(({ hasEnded }) => hasEnded))
      violations.push({ rule: 'truth', who, what: `${name} ${toldOf(settled)}, but it was ${all.at(-1)?.outcome}` });
  }
  return violations;
}

const toldOf = (settled: Settlement | undefined): string =>
  settled ? `settled as ${settled.outcome} (${settled.provenance})` : 'has not settled';

/** A query shows of a concluded job only whether it has an error, which a cancelled one has too. */
const isSo = ({ outcome, provenance }: Settlement, life: Life): boolean =>
  outcome === life.outcome ||
  outcome === 'lost' ||
  (provenance === 'reconciled' && outcome === 'failed') ||
  (life.outcome === undefined && outcome !== 'completed');
