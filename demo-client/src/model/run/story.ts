// The story of one run: what happened to it, in order, and where it was at any moment. Pure.
import { type Entry, formatPercent, type HistoryRun, isEventOf, summarizeSettlement } from 'qmp-gateway/protocol';
import { describe } from '../events/describe.js';
import type { Trail } from '../fleet/pace.js';
import { parseTime } from '../page/clock.js';
import { OUTCOME_TONE, type Tone } from './outcome.js';
import { settlementOf } from './past.js';

/** `record`: known from the history alone, as the log no longer has the entry. */
export type ChapterKind = 'state' | 'attention' | 'command' | 'settlement' | 'event' | 'record';

export interface Chapter {
  key: string;
  kind: ChapterKind;
  /** Milliseconds since 1970; `undefined`: QEMU did not know it. */
  at: number | undefined;
  tone: Tone;
  text: string;
  entry: Entry | undefined;
}

const KINDS: Readonly<Record<string, ChapterKind>> = {
  JOB_STATUS_CHANGE: 'state',
  GATEWAY_JOB_FOUND: 'state',
  BLOCK_JOB_READY: 'state',
  BLOCK_JOB_ERROR: 'attention',
  BLOCK_JOB_PENDING: 'attention',
  GATEWAY_JOB_ATTENTION: 'attention',
  GATEWAY_COMMAND: 'command',
  GATEWAY_COMMAND_ANSWERED: 'command',
  GATEWAY_SHARED_COMMAND: 'command',
  GATEWAY_JOB_SETTLED: 'settlement',
};

/** @param log entries that the page has of the run. @param kept entries that came with its history; some may be the same. */
export function storyOf(log: readonly Entry[], kept: readonly Entry[], record: HistoryRun | undefined): Chapter[] {
  const known = new Set(log.map(({ offset }) => offset));
  const entries = [...kept.filter(({ offset }) => !known.has(offset)), ...log].sort((a, b) => a.offset - b.offset);
  const chapters = entries.map(chapterOf);
  if (!record) return chapters;
  const start = parseTime(record.start);
  const first = chapters.find(({ at }) => at !== undefined)?.at ?? Number.POSITIVE_INFINITY;
  // The beginning's own entry has the time that the record has.
  if (start !== undefined && start < first) chapters.unshift(fromRecord('began', start, 'calm', 'It began.'));
  if (!entries.some((entry) => isEventOf(entry, 'GATEWAY_JOB_SETTLED'))) {
    const text = summarizeSettlement(settlementOf(record).settled);
    chapters.push(fromRecord('ended', parseTime(record.end), OUTCOME_TONE[record.outcome], text));
  }
  return chapters;
}

function fromRecord(key: string, at: number | undefined, tone: Tone, text: string): Chapter {
  return { key, kind: 'record', at, tone, text, entry: undefined };
}

function chapterOf(entry: Entry): Chapter {
  const { text, tone } = describe(entry);
  return {
    ...{ key: String(entry.offset), kind: KINDS[entry.type] ?? 'event', at: parseTime(entry.time) },
    ...{ tone, text, entry },
  };
}

export interface Span {
  from: number;
  to: number;
}

/** From the first to the last moment of which something is known; `undefined` where that is one moment or none. */
export function spanOf(chapters: readonly Chapter[], { at }: Trail): Span | undefined {
  const times = [
    ...chapters.flatMap((chapter) => chapter.at ?? []),
    ...(at.length > 0 ? [at[0] ?? 0, at.at(-1) ?? 0] : []),
  ];
  const [from, to] = [Math.min(...times), Math.max(...times)];
  return to > from ? { from, to } : undefined;
}

/** Index of the newest chapter that is not after `ms`; -1 before the first. Of several with one time it is the last. */
export function chapterAt(chapters: readonly Chapter[], ms: number): number {
  return chapters.findLastIndex(({ at }) => at !== undefined && at <= ms);
}

/** The amount that was done at `ms`, between two figures in proportion; `undefined` where no figures are around it. */
export function offsetAt({ at, offset }: Trail, ms: number): number | undefined {
  const after = at.findIndex((each) => each >= ms);
  const [x1, y1] = [at[after], offset[after]];
  if (after < 0 || x1 === undefined || y1 === undefined) return undefined;
  const [x0, y0] = [at[after - 1], offset[after - 1]];
  if (x1 === ms || x0 === undefined || y0 === undefined) return x1 === ms ? y1 : undefined;
  return y0 + ((y1 - y0) * (ms - x0)) / (x1 - x0);
}

/** A moment of the run in words: how much was done, and what had happened last. */
export function placeText(chapters: readonly Chapter[], trail: Trail, len: number, ms: number): string {
  const done = offsetAt(trail, ms);
  const share = done === undefined || !(len > 0) ? undefined : Math.min(1, done / len);
  const last = chapters[chapterAt(chapters, ms)];
  return [...(share === undefined ? [] : [formatPercent(share, 'running')]), ...(last ? [last.text] : [])].join(' · ');
}

/** The share that is done over time, 0 to 100, at the times of the trail. */
export const sharesOf = ({ offset }: Trail, len: number): number[] =>
  offset.map((each) => (len > 0 ? Math.min(100, (each / len) * 100) : 0));

/** Why there is no plot. @param story `undefined`: not read yet; a text: the gateway has none. */
export function noFiguresText(isLive: boolean, story: object | string | undefined): string {
  if (isLive) return 'Waiting for the second figure; the gateway queries QEMU once a second.';
  if (story === undefined) return 'Asking the history for its figures…';
  return typeof story === 'string'
    ? `No figures of this run: ${story}, and this page did not watch it.`
    : 'The history has no figures of this run: it was too short, or nobody was connected to it.';
}
