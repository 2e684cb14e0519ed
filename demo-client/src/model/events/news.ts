// What a person who looks elsewhere should hear of: the difference between two states of the page. Pure.
import { type Cursor, compareCursors, type Job, type SettledRun } from 'qmp-gateway/protocol';
import { attentionOf } from '../fleet/attention.js';
import type { Frame } from '../fleet/live-table.js';
import { needsPerson } from '../fleet/needs.js';

/** In order of urgency. `finished`: one that this page or its principal asked to end. */
export const KINDS = ['attention', 'failed', 'lost', 'finished'] as const;

export interface News {
  kind: (typeof KINDS)[number];
  source: string;
  job: string;
  run: string;
  text: string;
}

/** Runs that ended unobserved, by run. */
export type Unseen = ReadonlyMap<string, SettledRun>;

export interface Reader {
  principal: string | undefined;
  /** Runs for which this page has sent a command. */
  requested: ReadonlySet<string>;
}

/** After a reset a job may have another run and still be in the same trouble, so it is compared by its names and its mark. */
const troubleOf = (job: Job): string => `${job.source}\u0000${job.job}\u0000${attentionOf(job)?.label}`;

/**
 * Between a frame and the one before it. What was so before, as far as the page knew, is no news: not at the first snapshot, not after a reconnect or
 * a reset.
 */
export function newsOf(frame: Frame, reader: Reader): News[] {
  return frame.since === undefined ? [] : [...troubles(frame), ...endings(frame, frame.since, reader)];
}

/** Runs that have become known as ended unobserved. */
export const newsOfUnseen = (before: Unseen, after: Unseen): News[] =>
  [...after.values()].filter(({ run }) => !before.has(run)).map(lost);

function troubles({ jobs, changed }: Frame): News[] {
  const known = new Set<string>();
  for (const { job } of changed.values()) if (job && needsPerson(job)) known.add(troubleOf(job));
  const news: News[] = [];
  for (const run of changed.keys()) {
    const job = jobs.get(run);
    if (!job || !needsPerson(job) || known.has(troubleOf(job))) continue;
    const attention = attentionOf(job);
    if (attention) news.push(newsItem('attention', job, `${attention.label}. ${attention.advice}`));
  }
  return news;
}

function endings({ settled, changed }: Frame, since: Cursor, { principal, requested }: Reader): News[] {
  const news: News[] = [];
  for (const [run, was] of changed) {
    const end = settled.get(run);
    if (!end || was.end) continue;
    // A settlement that comes with a reset may be old: it is news of a run that the page has seen live.
    const isLater = (compareCursors(end.cursor, since) ?? 0) > 0;
    if (!isLater && !was.job) continue;
    const { outcome, error, requestedBy } = end.settled;
    const isMine = requested.has(run) || (principal !== undefined && requestedBy.includes(principal));
    if (outcome === 'failed') news.push(newsItem('failed', end, error ?? 'It ended with an error.'));
    else if (outcome === 'lost') news.push(lost(end));
    else if (isMine) news.push(newsItem('finished', end, `It is ${outcome}, as you asked for an end.`));
  }
  return news;
}

const lost = (end: SettledRun): News => newsItem('lost', end, 'It vanished unseen: how it ended is unknown.');

function newsItem(kind: News['kind'], { source, job, run }: Pick<Job, 'source' | 'job' | 'run'>, text: string): News {
  return { kind, source, job, run, text };
}

export interface Bulletin {
  title: string;
  body: string;
  /** What a click opens; `undefined`: the fleet. */
  about: News | undefined;
}

const SAID: Readonly<Record<News['kind'], [one: string, many: string]>> = {
  attention: ['needs you', 'need you'],
  failed: ['failed', 'failed'],
  lost: ['was lost', 'were lost'],
  finished: ['has ended', 'have ended'],
};

/** Lines of a notification: desktops cut what is longer. */
const LINES = 3;

/** Any number of news as one notification. */
export function bulletinOf(news: readonly News[]): Bulletin | undefined {
  const sorted = [...news].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  const [first] = sorted;
  if (!first) return undefined;
  if (sorted.length === 1)
    return { title: `${first.source} / ${first.job} ${SAID[first.kind][0]}`, body: first.text, about: first };
  const counts = KINDS.flatMap((kind) => {
    const count = sorted.filter((each) => each.kind === kind).length;
    return count === 0 ? [] : [`${count.toLocaleString('en')} ${SAID[kind][count === 1 ? 0 : 1]}`];
  });
  const lines = sorted.slice(0, LINES).map(({ source, job, kind }) => `${source} / ${job} ${SAID[kind][0]}`);
  const more = sorted.length - lines.length;
  const rest = more > 0 ? [`and ${more.toLocaleString('en')} more`] : [];
  return { title: `Jobs: ${counts.join(', ')}`, body: [...lines, ...rest].join('\n'), about: undefined };
}

/** Milliseconds for which news that come together are collected, and between two notifications. */
const GATHER_MS = 1_500;
const REST_MS = 15_000;

/** When to show what came first at `firstAt`, the last notification having been shown at `shownAt`. */
export function dueAt(firstAt: number, shownAt: number | undefined): number {
  return Math.max(firstAt + GATHER_MS, (shownAt ?? Number.NEGATIVE_INFINITY) + REST_MS);
}
