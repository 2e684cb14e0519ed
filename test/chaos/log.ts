// The gateway's log as the witness got it. In: the witness's record. Out: entries by epoch, and what is wrong with their numbers.
import type { Entry, Filter } from '../../src/protocol/index.js';
import type { SubscriberRecord, Violation } from './record.js';

export interface Log {
  epoch: string;
  entries: Entry[];
}

export function positionOf(cursor: string): { epoch: string; offset: number } {
  const at = cursor.lastIndexOf(':');
  return { epoch: cursor.slice(0, at), offset: Number(cursor.slice(at + 1)) };
}

export function logsOf(witness: SubscriberRecord): { logs: Log[]; violations: Violation[] } {
  const logs: Log[] = [];
  const violations: Violation[] = [];
  const wrong = (what: string): void => void violations.push({ rule: 'log', who: witness.name, what });
  for (const op of witness.ops) {
    if (op.kind === 'reset') wrong('the witness got a reset');
    if (op.kind === 'subscribed') {
      const { epoch, offset } = positionOf(op.cursor);
      const log = logs.find((each) => each.epoch === epoch);
      if (offset !== (log?.entries.length ?? 0)) wrong(`the witness began at ${op.cursor}`);
      if (!log) logs.push({ epoch, entries: [] });
    }
    if (op.kind !== 'events') continue;
    const { epoch } = positionOf(op.cursor);
    const log = logs.find((each) => each.epoch === epoch);
    for (const entry of op.events) {
      if (entry.offset !== (log?.entries.length ?? 0) + 1)
        wrong(`offset ${entry.offset} after ${log?.entries.length} in ${epoch}`);
      log?.entries.push(entry);
    }
  }
  return { logs, violations };
}

/** Written anew, not the gateway's: whole string, case-sensitive, `*` and `?`. */
export function glob(patterns: readonly string[] | undefined): (text: string) => boolean {
  if (!patterns) return () => true;
  const all = patterns.map(
    (pattern) =>
      new RegExp(
        `^${pattern.replace(/[.*+?^${}()|[\]\\]/g, (char) => (char === '*' ? '[^]*' : char === '?' ? '[^]' : `\\${char}`))}$`,
        'u',
      ),
  );
  return (text) => all.some((each) => each.test(text));
}

export interface Matcher {
  source(name: string): boolean;
  job(source: string, job: string): boolean;
  entry(entry: Entry): boolean;
}

export function matcher({ sources, types, jobs }: Filter): Matcher {
  const source = glob(sources);
  const type = glob(types);
  const id = glob(jobs);
  return {
    source,
    job: (name, job) => source(name) && id(job),
    entry: (entry) => source(entry.source) && type(entry.type) && (!entry.job || id(entry.job.id)),
  };
}

/** Members in one order, integers as the wire has them. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return Number.isSafeInteger(Number(each)) ? Number(each) : String(each);
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
