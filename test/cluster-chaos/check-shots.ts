// A snapshot is the stream folded up to its cursor: the runs that live there, and the settlements.
import type { Settlement } from '../../src/protocol/index.js';
import type { TakenShot } from './check-clients.js';
import type { Log } from './log.js';
import type { Violation } from './record.js';

/** Settlements in a snapshot, the newest. */
const SETTLED = 1_000;

interface Known {
  source: string;
  job: string;
  isSettled: boolean;
  isOver: boolean;
}

export function checkShots(log: Log, taken: readonly TakenShot[]): Violation[] {
  // What began before the first entry that was read is not known.
  if (log.firstOffset > 0) return [];
  const violations: Violation[] = [];
  const runs = new Map<string, Known>();
  const ends: { source: string; job: string; text: string }[] = [];
  const shots = taken.filter((each) => each.log === log).sort((a, b) => a.offset - b.offset);
  let at = 0;
  for (const { who, offset, matcher, shot } of shots) {
    if (offset > log.lastOffset) break;
    for (; at < log.entries.length && (log.entries[at]?.offset ?? 0) <= offset; at += 1) fold(log, at, runs, ends);
    const wrong = (what: string): void =>
      void violations.push({ rule: 'snapshot', who: `${who} at ${log.epoch}:${offset}`, what });
    const wanted = [...runs].filter(([, { source, job }]) => matcher.job(source, job));
    const got = new Map(shot.jobs.map((job) => [job.run, job]));
    if (got.size < shot.jobs.length) wrong('names a job twice');
    for (const [run, { isSettled }] of wanted) if (!isSettled && !got.has(run)) wrong(`lacks the live run ${run}`);
    for (const { run, isSettled } of shot.jobs) {
      const known = runs.get(run);
      if (!known || known.isOver) wrong(`has ${run}, which ${known ? 'is over' : 'has not begun'}`);
      else if (known.isSettled !== isSettled) wrong(`has ${run} as ${isSettled ? 'settled' : 'not settled'}`);
    }
    const expected = ends.filter(({ source, job }) => matcher.job(source, job)).slice(-SETTLED);
    const settled = new Set(shot.settled.map(({ run, cursor }) => `${run} ${cursor}`));
    const missing = expected.filter(({ text }) => !settled.has(text));
    if (missing.length > 0) wrong(`lacks ${missing.length} settlements, the first ${missing[0]?.text}`);
    if (settled.size > expected.length) wrong(`has ${settled.size} settlements, of ${expected.length}`);
  }
  return violations;
}

function fold(
  log: Log,
  at: number,
  runs: Map<string, Known>,
  ends: { source: string; job: string; text: string }[],
): void {
  const entry = log.entries[at];
  if (!entry?.job || entry.internal || entry.type === 'GATEWAY_COMMAND_ANSWERED') return;
  const { source, type, offset, data } = entry;
  const { id: job, run } = entry.job;
  const known = runs.get(run) ?? { source, job, isSettled: false, isOver: false };
  runs.set(run, known);
  if (type === 'GATEWAY_JOB_SETTLED') {
    known.isSettled = true;
    known.isOver = (data as Settlement).dismissed;
    ends.push({ source, job, text: `${run} ${log.epoch}:${offset}` });
  }
  const isNull = type === 'JOB_STATUS_CHANGE' && (data as { status: string }).status === 'null';
  if (isNull && known.isSettled) known.isOver = true;
}
