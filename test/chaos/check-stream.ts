// Checks G1, G3 and G6 as one subscriber saw them: every gap, duplicate and reordering, and each snapshot that it got.
import type { Entry, Job, SettledRun } from '../../src/protocol/index.js';
import { canonical, type Log, type Matcher, matcher, positionOf } from './log.js';
import type { Op, SubscriberRecord, Violation } from './record.js';

/** A cut that a subscriber was given; compared with the fold of the log elsewhere. */
export interface Shot {
  who: string;
  epoch: string;
  offset: number;
  matcher: Matcher;
  jobs: Job[];
  settled: SettledRun[];
}

interface At {
  log: Log;
  matching: Entry[];
  /** Examined so far. */
  offset: number;
  /** Pages that must come before the first event. */
  paging: { shot: Shot; next: number; pages: number } | undefined;
}

export interface StreamContext {
  logs: readonly Log[];
  retained: number;
  /** Entries of the log that a filter wants; shared between subscribers. */
  matching: Map<string, Entry[]>;
}

export function checkStream(
  record: SubscriberRecord,
  context: StreamContext,
): { violations: Violation[]; shots: Shot[] } {
  const walk = new Walk(record, context);
  for (const op of record.ops) walk.take(op);
  walk.end();
  return { violations: walk.violations, shots: walk.shots };
}

/** Index of the first entry after `offset`. */
export function after(entries: readonly Entry[], offset: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

class Walk {
  readonly violations: Violation[] = [];
  readonly shots: Shot[] = [];
  readonly #record: SubscriberRecord;
  readonly #context: StreamContext;
  readonly #matcher: Matcher;
  #at: At | undefined;

  constructor(record: SubscriberRecord, context: StreamContext) {
    this.#record = record;
    this.#context = context;
    this.#matcher = matcher(record.filter);
  }

  take(op: Op): void {
    switch (op.kind) {
      case 'subscribed':
        return this.#subscribed(op);
      case 'cut':
        this.#at = undefined;
        return;
      case 'page':
        return this.#page(op);
      case 'reset':
        return this.#reset(op);
      case 'events':
        return this.#events(op.cursor, op.events);
      case 'bookmark':
        return this.#nothingUpTo(op.cursor, 'bookmark');
      case 'answer':
        if (!op.late) this.#nothingUpTo(op.cursor, 'answer');
        return;
      case 'progress':
        return this.#progress(op);
    }
  }

  end(): void {
    if (!this.#record.complete) return;
    const last = this.#context.logs.at(-1);
    if (!this.#at || this.#at.log !== last) return this.#wrong('stream', 'is not subscribed at the end');
    const missing = this.#at.matching.length - after(this.#at.matching, this.#at.offset);
    if (missing > 0) this.#wrong('stream', `gap: lacks the last ${missing} events after ${this.#at.offset}`);
    if (this.#at.paging) this.#wrong('snapshot', 'its snapshot has not ended');
  }

  #wrong(rule: Violation['rule'], what: string): void {
    this.violations.push({ rule, who: this.#record.name, what });
  }

  #subscribed(op: Extract<Op, { kind: 'subscribed' }>): void {
    const { epoch, offset } = positionOf(op.cursor);
    const log = this.#context.logs.find((each) => each.epoch === epoch);
    if (!log) return this.#wrong('stream', `subscribed in an epoch that the witness never saw: ${epoch}`);
    if (op.after !== undefined) this.#resumed(op.after, op, log);
    else if (op.resumed) this.#wrong('stream', 'resumed without being asked');
    const key = `${epoch} ${canonical(this.#record.filter)}`;
    let matching = this.#context.matching.get(key);
    if (!matching) {
      matching = log.entries.filter((entry) => this.#matcher.entry(entry));
      this.#context.matching.set(key, matching);
    }
    this.#at = { log, matching, offset, paging: undefined };
    if (!op.resumed) this.#shoot(op);
  }

  /** Exact both ways: it resumes if, and only if, all that lies between is retained. */
  #resumed(from: string, op: Extract<Op, { kind: 'subscribed' }>, log: Log): void {
    const position = positionOf(from);
    const cursor = positionOf(op.cursor);
    if (op.resumed) {
      if (op.cursor !== from) this.#wrong('stream', `resumed after ${from} at ${op.cursor}`);
      return;
    }
    if (
      position.epoch === cursor.epoch &&
      position.offset <= cursor.offset &&
      !this.#evicted(log, position.offset, cursor.offset)
    )
      this.#wrong('stream', `not resumed after ${from} at ${op.cursor}, which is retained`);
  }

  /** Whether a wanted source has more entries between than are retained. */
  #evicted(log: Log, from: number, to: number): boolean {
    const counts = new Map<string, number>();
    for (const entry of log.entries.slice(from, to)) counts.set(entry.source, (counts.get(entry.source) ?? 0) + 1);
    for (const [source, count] of counts)
      if (count > this.#context.retained && this.#matcher.source(source)) return true;
    return false;
  }

  #shoot(op: {
    cursor: string;
    jobs?: Job[] | undefined;
    settled?: SettledRun[] | undefined;
    pages?: number | undefined;
  }): void {
    if (!this.#at) return;
    const { epoch, offset } = positionOf(op.cursor);
    const shot: Shot = {
      who: this.#record.name,
      epoch,
      offset,
      matcher: this.#matcher,
      jobs: op.jobs ?? [],
      settled: op.settled ?? [],
    };
    if (op.pages !== undefined) this.#at.paging = { shot, next: 1, pages: op.pages };
    else if (op.jobs) this.shots.push(shot);
    else this.#wrong('snapshot', `no snapshot at ${op.cursor}`);
  }

  #page(op: Extract<Op, { kind: 'page' }>): void {
    const paging = this.#at?.paging;
    if (!this.#at || !paging) return this.#wrong('snapshot', `page ${op.page} that nobody announced`);
    if (
      op.page !== paging.next ||
      op.last !== (op.page === paging.pages) ||
      positionOf(op.cursor).offset !== paging.shot.offset
    )
      this.#wrong(
        'snapshot',
        `page ${op.page} of ${paging.pages} at ${op.cursor}, expected ${paging.next} at ${paging.shot.offset}`,
      );
    paging.shot.jobs.push(...op.jobs);
    paging.shot.settled.push(...op.settled);
    paging.next += 1;
    if (!op.last) return;
    this.shots.push(paging.shot);
    this.#at.paging = undefined;
  }

  #reset(op: Extract<Op, { kind: 'reset' }>): void {
    if (!this.#at) return this.#wrong('stream', 'a reset without a subscription');
    const { epoch, offset } = positionOf(op.cursor);
    if (epoch !== this.#at.log.epoch || offset < this.#at.offset)
      return this.#wrong('stream', `reset from ${this.#at.log.epoch}:${this.#at.offset} back to ${op.cursor}`);
    if (!this.#evicted(this.#at.log, this.#at.offset, offset))
      this.#wrong('stream', `reset at ${op.cursor} although all after ${this.#at.offset} is retained`);
    this.#at.offset = offset;
    this.#at.paging = undefined;
    this.#shoot(op);
  }

  #events(cursor: string, events: readonly Entry[]): void {
    const at = this.#at;
    if (!at) return this.#wrong('stream', 'events without a subscription');
    if (at.paging) this.#wrong('snapshot', `events before page ${at.paging.next} of ${at.paging.pages}`);
    const { epoch, offset } = positionOf(cursor);
    if (epoch !== at.log.epoch || offset < at.offset)
      return this.#wrong('stream', `cursor ${cursor} after ${at.offset}`);
    const from = after(at.matching, at.offset);
    const expected = at.matching.slice(from, after(at.matching, offset));
    const same = events.length === expected.length && events.every((event, n) => isSame(event, expected[n]));
    if (!same) this.#wrong('stream', `${nameOf(events, expected)} between ${at.offset} and ${offset}`);
    at.offset = offset;
  }

  #nothingUpTo(cursor: string, what: string): void {
    const at = this.#at;
    const { epoch, offset } = positionOf(cursor);
    if (!at || epoch !== at.log.epoch) return;
    if (at.paging) return this.#wrong('stream', `${what} ${cursor} before its snapshot has ended`);
    const missing = after(at.matching, offset) - after(at.matching, at.offset);
    if (missing > 0) this.#wrong('stream', `${what} ${cursor} overtakes ${missing} events after ${at.offset}`);
    at.offset = Math.max(at.offset, offset);
  }

  #progress({ rows }: Extract<Op, { kind: 'progress' }>): void {
    const at = this.#at;
    if (!at) return this.#wrong('progress', 'without a subscription');
    for (const { run, source, job } of rows) {
      const begun = positionOf(run).offset;
      const first = at.log.entries[begun - 1];
      if (!this.#matcher.job(source, job)) this.#wrong('progress', `names ${source} ${job}, which it did not ask for`);
      if (first && this.#matcher.entry(first) && begun > at.offset)
        this.#wrong('progress', `names ${run} before its first event`);
      const from = after(at.matching, begun - 1);
      for (let n = from; n < at.matching.length; n += 1) {
        const entry = at.matching[n];
        if (!entry || entry.offset > at.offset) break;
        if (entry.type === 'GATEWAY_JOB_SETTLED' && entry.job?.run === run)
          this.#wrong('progress', `names ${run} after its settlement at ${entry.offset}`);
      }
    }
  }
}

const isSame = (event: Entry, expected: Entry | undefined): boolean =>
  event === expected ||
  (expected !== undefined && event.offset === expected.offset && canonical(event) === canonical(expected));

function nameOf(events: readonly Entry[], expected: readonly Entry[]): string {
  const got = events.map(({ offset }) => offset);
  const wanted = expected.map(({ offset }) => offset);
  const missing = wanted.filter((offset) => !got.includes(offset));
  const strange = got.filter((offset) => !wanted.includes(offset));
  if (new Set(got).size < got.length) return `duplicate: ${got.filter((offset, n) => got.indexOf(offset) !== n)}`;
  if (missing.length > 0) return `gap: lacks ${missing.slice(0, 5)} (${missing.length})`;
  if (strange.length > 0) return `duplicate or unexpected: ${strange.slice(0, 5)} (${strange.length})`;
  if (got.some((offset, n) => offset !== wanted[n])) return `reorder: ${got.slice(0, 8)}`;
  return `changed: ${got.filter((_, n) => !isSame(events[n] as Entry, expected[n])).slice(0, 3)}`;
}
