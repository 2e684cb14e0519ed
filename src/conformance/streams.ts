// What clauses about events have in common: a recording of a stream, the same part of it again, and the first difference of two.
import { compareCursors } from '../protocol/cursor.js';
import type { SubscribeParams } from '../protocol/methods.js';
import type { Cursor, Entry, Filter, Job } from '../protocol/types.js';
import { brief, type Connection } from './connection.js';
import type { Server } from './server.js';
import { check, need } from './verdict.js';

export interface Recording {
  readonly connection: Connection;
  readonly subscription: string;
  /** Position before the first entry. */
  readonly after: Cursor;
  readonly entries: readonly Entry[];
}

/** Entries that a recording begins back, where the server can. */
const BACK = 200;

/** The latest entries of the log, or those of the next seconds where the server has no `last`. Without `least` of them the clause is not tried. */
export async function recordStream(server: Server, filter: Filter = {}, least = 3): Promise<Recording> {
  const connection = await server.connect();
  const back: SubscribeParams = server.has('last') ? { last: BACK } : { snapshot: false };
  const { subscription, cursor } = await connection.call('subscribe', { ...filter, ...back });
  if (server.has('last')) await connection.quiet();
  else await connection.occasion(`${least} events`, () => connection.events(subscription).length >= least);
  const entries = connection.events(subscription);
  need(entries.length >= least, `the log has fewer than ${least} events`);
  return { connection, subscription, after: cursor, entries };
}

/** Subscribes `after` a position that the server still has, on a connection of its own, and reads up to the entry at `last`. */
export async function resumeStream(
  server: Server,
  params: SubscribeParams & { after: Cursor },
  last: number,
): Promise<Recording> {
  const connection = await server.connect();
  const { subscription, cursor, resumed } = await connection.call('subscribe', params);
  need(resumed, `${params.after} has left the retention meanwhile`);
  check(
    compareCursors(cursor, params.after) === 0,
    () => `the reply's cursor is ${cursor}, where the client was at ${params.after}`,
  );
  const got = (): Entry[] => connection.events(subscription);
  await connection.until(`event at offset ${last}`, () => got().some(({ offset }) => offset >= last));
  const entries = got().filter(({ offset }) => offset <= last);
  return { connection, subscription, after: params.after, entries };
}

/** Fails the clause at the first difference. */
export function sameEntries(expected: readonly Entry[], got: readonly Entry[]): void {
  for (let at = 0; at < Math.max(expected.length, got.length); at += 1) {
    const [a, b] = [expected[at], got[at]];
    check(JSON.stringify(a) === JSON.stringify(b), () => `expected ${brief(a)}, got ${brief(b)}`);
  }
}

export function increasing(entries: readonly Entry[]): void {
  for (const [at, { offset, type }] of entries.entries()) {
    const before = entries[at - 1]?.offset ?? -1;
    check(offset > before, () => `the event ${type} at offset ${offset} comes after one at ${before}`);
  }
}

/** A glob of the wire, on the whole string. Linear in text times glob. */
export function matches(glob: string, text: string): boolean {
  let ends = new Set([0]);
  const chars = [...text];
  for (const sign of glob) {
    const next = new Set<number>();
    if (sign === '*') for (let at = Math.min(...ends); at <= chars.length; at += 1) next.add(at);
    else for (const at of ends) if (at < chars.length && (sign === '?' || chars[at] === sign)) next.add(at + 1);
    if (next.size === 0) return false;
    ends = next;
  }
  return ends.has(chars.length);
}

/** Whether an entry matches a filter, by the words of docs/PROTOCOL.md. */
export function isWanted({ sources, types, jobs }: Filter, { source, type, job }: Entry): boolean {
  const any = (globs: readonly string[] | undefined, text: string): boolean =>
    globs === undefined || globs.some((glob) => matches(glob, text));
  return any(sources, source) && any(types, type) && (job === undefined || any(jobs, job.id));
}

/** A job that has not ended. */
export async function liveJob(connection: Connection): Promise<Job> {
  const { jobs } = await connection.call('job.list', {});
  const live = jobs.find(({ settled, status }) => settled === undefined && status !== 'concluded');
  return need(live, 'no live job on that server');
}
