// Checks G6 and G7 on the log itself: runs that settle twice or never, and snapshots that contradict the log.

import type { Entry, Settlement } from '../../src/protocol/index.js';
import { foldEvents, type JobTable, tableOf } from '../../src/protocol/job-table.js';
import { SNAPSHOT_SETTLED } from '../../src/protocol/limits.js';
import type { Shot } from './check-stream.js';
import { canonical, type Log, matcher, positionOf } from './log.js';
import type { MonitorRecord, Violation } from './record.js';

interface Life {
  run: string;
  /** Of its first entry. */
  began: string;
  settled: Settlement | undefined;
  /** Its id is free again. */
  over: boolean;
}

/** Milliseconds from a job's end to its settlement: the bound of the proof, and a busy machine. */
const UNPROVEN_MS = 4_000;

export function checkRuns({ epoch, entries }: Log): Violation[] {
  const violations: Violation[] = [];
  const lives = new Map<string, Life>();
  const past = new Set<string>();
  const blinded = new Set<string>();
  /** Runs that have left QEMU and are not settled yet. */
  const unproven = new Map<string, Entry>();
  const wrong = (what: string, entry: Entry): void =>
    void violations.push({
      rule: 'runs',
      who: `${epoch}:${entry.offset}`,
      what: `${entry.source} ${entry.type} ${what}`,
    });
  for (const entry of entries) {
    const { source, type, job } = entry;
    if (type === 'GATEWAY_SOURCE_DOWN')
      for (const [key, life] of lives) if (key.startsWith(`${source} `)) blinded.add(life.run);
    // The answer to a command may come after the end.
    if (!job || type === 'GATEWAY_COMMAND_ANSWERED') continue;
    const key = `${source} ${job.id}`;
    let life = lives.get(key);
    if (life?.run !== job.run) {
      if (life && !life.settled) wrong(`begins ${job.run} while ${life.run} has not settled`, entry);
      if (past.has(job.run)) wrong(`belongs to ${job.run}, which is over`, entry);
      const seen = type === 'JOB_STATUS_CHANGE' && (entry.data as { status: string }).status === 'created';
      if (!seen) blinded.add(job.run);
      if (life) past.add(life.run);
      life = { run: job.run, began: `${epoch}:${entry.offset}`, settled: undefined, over: false };
      lives.set(key, life);
    } else if (life.over) wrong(`of ${job.run} after its end`, entry);
    if (type === 'GATEWAY_JOB_SETTLED') {
      if (life.settled) wrong(`${job.run} settles twice`, entry);
      life.settled = entry.data as Settlement;
      if (life.settled.began !== life.began) wrong(`began at ${life.began}, not ${life.settled.began}`, entry);
      unproven.delete(job.run);
      if (life.settled.dismissed) life.over = true;
      if (life.settled.outcome === 'lost' && !blinded.has(job.run))
        wrong(`${job.run} is lost although nobody was blind`, entry);
      continue;
    }
    if (type !== 'JOB_STATUS_CHANGE' || (entry.data as { status: string }).status !== 'null') continue;
    if (life.settled) life.over = true;
    else unproven.set(job.run, entry);
  }
  // One that is settled without a proof waits for it a second at the most, and a gateway that was killed settles nothing more.
  const last = Math.max(0, ...entries.slice(-200).map(({ time }) => (time === null ? 0 : Date.parse(time))));
  for (const entry of unproven.values())
    if (entry.time !== null && last - Date.parse(entry.time) > UNPROVEN_MS)
      wrong(`${entry.job?.run} ends without a settlement`, entry);
  return violations;
}

/** Every cut must be the fold of the log up to its cursor. */
export function checkShots(log: Log, shots: readonly Shot[]): Violation[] {
  const violations: Violation[] = [];
  let table: JobTable = tableOf({ cursor: `${log.epoch}:0`, jobs: [], settled: [], sources: [] });
  const settled = log.entries.filter(({ type }) => type === 'GATEWAY_JOB_SETTLED');
  const ordered = shots.filter(({ epoch }) => epoch === log.epoch).sort((a, b) => a.offset - b.offset);
  let folded = 0;
  for (const shot of ordered) {
    if (shot.offset > folded) {
      table = foldEvents(table, log.entries.slice(folded, shot.offset), `${log.epoch}:${shot.offset}`);
      folded = shot.offset;
    }
    const expected = [...table.jobs.values()]
      .filter(({ source, job }) => shot.matcher.job(source, job))
      .map(stateOf)
      .sort();
    const got = shot.jobs.map(stateOf).sort();
    for (const what of differences(expected, got))
      violations.push({ rule: 'snapshot', who: `${shot.who} at ${shot.offset}`, what });
    const ends = settled.filter(
      (entry) => entry.offset <= shot.offset && entry.job && shot.matcher.job(entry.source, entry.job.id),
    );
    const expectedEnds = ends
      .slice(-SNAPSHOT_SETTLED)
      .map(({ offset, job, data }) => `${job?.run} ${log.epoch}:${offset} ${canonical(data)}`);
    const gotEnds = shot.settled.map(({ run, cursor, settled: data }) => `${run} ${cursor} ${canonical(data)}`);
    for (const what of differences(expectedEnds, gotEnds))
      violations.push({ rule: 'snapshot', who: `${shot.who} at ${shot.offset}, settled`, what });
  }
  return violations;
}

/** The exact part of a job. */
function stateOf({
  source,
  job,
  run,
  status,
  settled,
}: {
  source: string;
  job: string;
  run: string;
  status: string;
  settled?: unknown;
}): string {
  return canonical({ source, job, run, status, settled });
}

function differences(expected: readonly string[], got: readonly string[]): string[] {
  const has = new Set(got);
  const should = new Set(expected);
  return [
    ...expected.filter((each) => !has.has(each)).map((each) => `lacks ${each}`),
    ...got.filter((each) => !should.has(each)).map((each) => `should not have ${each}`),
    ...(has.size < got.length ? ['names one twice'] : []),
  ];
}

/** After the dust has settled the state is the monitor's own. */
export function checkEnd(log: Log, monitors: readonly MonitorRecord[]): Violation[] {
  const table = foldEvents(
    tableOf({ cursor: `${log.epoch}:0`, jobs: [], settled: [], sources: [] }),
    log.entries,
    `${log.epoch}:${log.entries.length}`,
  );
  return monitors.flatMap(({ source, left }) => {
    const wants = matcher({ sources: [source] });
    const expected = left.map(({ id, status }) => `${id} ${status}`);
    const got = [...table.jobs.values()]
      .filter((job) => wants.source(job.source))
      .map(({ job, status }) => `${job} ${status}`);
    return differences(expected, got).map((what): Violation => ({ rule: 'state', who: source, what }));
  });
}

export const offsetOf = (cursor: string): number => positionOf(cursor).offset;
