// What each client's connections brought, over all edges, against the stream: every matching entry once and in order, and the same everywhere.
import { after, type Log, type LogEntry, logAt, type Matcher, matcher, matching, positionOf } from './log.js';
import type { ClientRecord, Op, Shot, Violation } from './record.js';

export interface TakenShot {
  who: string;
  log: Log;
  offset: number;
  matcher: Matcher;
  shot: Shot;
}

/** Matching entries of each log, which many clients share. */
export type Matches = Map<string, LogEntry[]>;

export function checkClient(
  record: ClientRecord,
  logs: readonly Log[],
  matches: Matches,
): { violations: Violation[]; shots: TakenShot[] } {
  const walk = new Walk(record, logs, matches);
  for (const op of record.ops) walk.take(op);
  walk.end();
  return walk;
}

class Walk {
  readonly violations: Violation[] = [];
  readonly shots: TakenShot[] = [];
  readonly #record: ClientRecord;
  readonly #logs: readonly Log[];
  readonly #matches: Matches;
  readonly #matcher: Matcher;
  /** Of the present subscription; it has everything up to `offset`. */
  #at: { log: Log; entries: readonly LogEntry[]; offset: number } | undefined;
  /** A snapshot of which pages are to come. */
  #paging: TakenShot | undefined;
  #events = 0;
  #losses = 0;
  /** One more, when all pages of its snapshot have come. */
  #isLosing = false;

  constructor(record: ClientRecord, logs: readonly Log[], matches: Matches) {
    this.#record = record;
    this.#logs = logs;
    this.#matches = matches;
    this.#matcher = matcher(record.filter);
  }

  take(op: Op): void {
    switch (op.kind) {
      case 'subscribed':
        return this.#subscribed(op);
      case 'events':
        return this.#take(op);
      case 'bookmark':
        return this.#nothingUpTo(op.cursor, 'a bookmark at');
      case 'answer':
        // One subscription a connection, so this is G3.
        if (!op.late) this.#nothingUpTo(op.cursor, 'an answer with');
        return;
      case 'page':
        if (!this.#at || !this.#paging) return this.#wrong('snapshot', 'a page that nobody announced');
        this.#paging.shot.jobs.push(...op.shot.jobs);
        this.#paging.shot.settled.push(...op.shot.settled);
        if (op.last) this.#whole();
        return;
      case 'reset':
        return this.#reset(op);
      case 'cut':
        this.#at = undefined;
        this.#abandonPages();
    }
  }

  /** The client gave its user what it got, and said what it could not. */
  end(): void {
    const { given } = this.#record;
    if (given.events !== this.#events)
      this.#wrong('client', `gave ${given.events} events to its user, of ${this.#events} that came`);
    if (given.gaps !== this.#losses) this.#wrong('client', `told its user of ${given.gaps} gaps, not ${this.#losses}`);
    const { log, entries, offset } = this.#at ?? {};
    if (!log || !entries || offset === undefined) return this.#wrong('end', 'has no subscription');
    const missing = entries.length - after(entries, offset);
    if (missing > 0 || log !== this.#logs.at(-1)) this.#wrong('end', `lacks ${missing} entries after ${offset}`);
  }

  #wrong(rule: 'client' | 'snapshot' | 'end', what: string): void {
    this.violations.push({ rule, who: this.#record.name, what });
  }

  #begin(cursor: string): Log | undefined {
    const log = logAt(this.#logs, cursor);
    if (!log) {
      this.#wrong('client', `${cursor} is of an epoch that no stream had`);
      return undefined;
    }
    const key = `${log.epoch} ${JSON.stringify(this.#record.filter)}`;
    let entries = this.#matches.get(key);
    if (!entries) {
      entries = matching(log, this.#matcher);
      this.#matches.set(key, entries);
    }
    this.#at = { log, entries, offset: positionOf(cursor).offset };
    return log;
  }

  #subscribed({ after: from, cursor, resumed, shot, pages }: Extract<Op, { kind: 'subscribed' }>): void {
    this.#abandonPages();
    const log = this.#begin(cursor);
    if (!log) return;
    if (from === undefined) {
      if (resumed) this.#wrong('client', `resumed at ${cursor} without being asked`);
    } else if (resumed) {
      if (from !== cursor) this.#wrong('client', `resumed after ${from} at ${cursor}`);
      return;
    } else {
      this.#lost(pages);
      if (positionOf(from).epoch === log.epoch) this.#unexplained(from, cursor, 'was not resumed');
    }
    this.#shoot(cursor, shot, pages);
  }

  #reset({ reason, cursor, shot, pages }: Extract<Op, { kind: 'reset' }>): void {
    const before = this.#at;
    this.#abandonPages();
    this.#lost(pages);
    if (!before) return this.#wrong('client', 'a reset without a subscription');
    const from = `${before.log.epoch}:${before.offset}`;
    if (positionOf(cursor).epoch === before.log.epoch) this.#unexplained(from, cursor, `got a reset (${reason})`);
    if (this.#begin(cursor)) this.#shoot(cursor, shot, pages);
  }

  /** The client tells its user when it has what replaces what was lost; without the last page it asks again from where it was. */
  #lost(pages: number | undefined): void {
    if (pages === undefined) this.#losses += 1;
    else this.#isLosing = true;
  }

  #whole(): void {
    if (this.#paging) this.shots.push(this.#paging);
    this.#paging = undefined;
    if (this.#isLosing) this.#losses += 1;
    this.#isLosing = false;
  }

  #abandonPages(): void {
    this.#paging = undefined;
    this.#isLosing = false;
  }

  /** What lies between is in the stream. */
  #unexplained(from: string, to: string, what: string): void {
    const { log, entries } = this.#at ?? {};
    const { offset } = positionOf(from);
    if (!log || !entries || offset + 1 < log.firstOffset) return;
    const missed = after(entries, positionOf(to).offset) - after(entries, offset);
    this.#wrong('client', `${what} after ${from}, but went on at ${to}: ${missed} entries are lost to it`);
  }

  #shoot(cursor: string, shot: Shot | undefined, pages: number | undefined): void {
    if (!this.#at) return;
    const { log, offset } = this.#at;
    if (!shot && pages === undefined) return this.#wrong('snapshot', `none at ${cursor}`);
    // Pages are added as they come.
    const whole: Shot = { jobs: [...(shot?.jobs ?? [])], settled: [...(shot?.settled ?? [])] };
    const taken = { who: this.#record.name, log, offset, matcher: this.#matcher, shot: whole };
    if (pages === undefined) this.shots.push(taken);
    else this.#paging = taken;
  }

  #take({ cursor, offsets, digests }: Extract<Op, { kind: 'events' }>): void {
    const at = this.#at;
    if (!at) return this.#wrong('client', 'events without a subscription');
    const { epoch, offset } = positionOf(cursor);
    this.#events += offsets.length;
    if (epoch !== at.log.epoch || offset < at.offset)
      return this.#wrong('client', `went back from ${at.log.epoch}:${at.offset} to ${cursor}`);
    const expected = at.entries.slice(after(at.entries, at.offset), after(at.entries, offset));
    const isSame =
      offsets.length === expected.length &&
      expected.every((entry, n) => entry.offset === offsets[n] && entry.digest === digests[n]);
    if (!isSame && at.offset + 1 >= at.log.firstOffset && offset <= at.log.lastOffset)
      this.#wrong('client', `${nameOf(offsets, digests, expected)} between ${at.offset} and ${cursor}`);
    at.offset = offset;
  }

  #nothingUpTo(cursor: string, what: string): void {
    const at = this.#at;
    const { epoch, offset } = positionOf(cursor);
    if (!at || epoch !== at.log.epoch) return;
    const missing = after(at.entries, offset) - after(at.entries, at.offset);
    if (missing > 0) this.#wrong('client', `${what} ${cursor} overtakes ${missing} entries after ${at.offset}`);
    at.offset = Math.max(at.offset, offset);
  }
}

function nameOf(offsets: readonly number[], digests: readonly number[], expected: readonly LogEntry[]): string {
  const wanted = new Map(expected.map((entry) => [entry.offset, entry.digest]));
  const got = new Set(offsets);
  const missing = expected.filter(({ offset }) => !got.has(offset));
  const strange = offsets.filter((offset) => !wanted.has(offset));
  const other = offsets.filter((offset, n) => wanted.has(offset) && wanted.get(offset) !== digests[n]);
  const told = [
    got.size < offsets.length && `${offsets.length - got.size} entries twice`,
    missing.length > 0 && `a gap: lacks ${missing.length}, the first ${missing[0]?.type} at ${missing[0]?.offset}`,
    strange.length > 0 && `${strange.length} that the stream does not have there, the first at ${strange[0]}`,
    other.length > 0 && `${other.length} that are others in the stream, the first at ${other[0]}`,
  ].filter((each) => each !== false);
  return told.length > 0 ? told.join('; ') : 'not in order';
}
