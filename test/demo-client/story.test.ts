// The story of one run, and where it was at a moment.
import { describe, expect, it } from 'vitest';
import {
  chapterAt,
  noFiguresText,
  offsetAt,
  placeText,
  sharesOf,
  spanOf,
  storyOf,
} from '../../demo-client/src/model/run/story.js';
import { recordOf } from '../../src/history/record.js';
import type { Entry } from '../../src/protocol/types.js';
import { DAY, endedRun } from '../support/run-history.js';

const T = Date.parse('2026-11-25T00:00:00Z');
const entryOf = (offset: number, type: string, data: object, seconds = offset): Entry =>
  ({ offset, source: 'vm1', type, data, time: new Date(T + seconds * 1_000).toISOString() }) as Entry;

const created = entryOf(1, 'JOB_STATUS_CHANGE', { id: 'd', status: 'created' });
const pause = entryOf(4, 'GATEWAY_COMMAND', { verb: 'pause', by: 'ann', args: {}, command: 'c' });
const paused = entryOf(5, 'JOB_STATUS_CHANGE', { id: 'd', status: 'paused' });

describe('the story of a run', () => {
  it('has state, attention and commands in the order of the log, each once', () => {
    const stopped = entryOf(3, 'GATEWAY_JOB_ATTENTION', { ioStatus: 'nospace' });
    const story = storyOf([pause, paused], [created, stopped, pause], undefined);
    expect(story.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      'state: is created',
      'attention: stopped by a full target, waits for you',
      'command: pause requested by ann',
      'state: is paused',
    ]);
  });

  it('of a run whose events have left the log is that of its record', () => {
    const record = recordOf(endedRun('r', 60, { settled: { outcome: 'failed', error: 'EIO' } }), DAY);
    const story = storyOf([], [], record);
    expect(story.map(({ kind, text }) => `${kind}: ${text}`)).toEqual(['record: It began.', 'record: failed: EIO']);
    expect((story[1]?.at ?? 0) - (story[0]?.at ?? 0)).toBe(record.durationMs);
  });
});

describe('a moment of a run', () => {
  const story = storyOf([created, pause, paused], [], undefined);
  const trail = { at: [T + 2_000, T + 6_000], offset: [10, 50] };

  it('is in the newest part that is not after it', () => {
    expect([T, T + 1_000, T + 4_500, T + 9_000].map((ms) => chapterAt(story, ms))).toEqual([-1, 0, 1, 2]);
    expect(chapterAt([...story, ...storyOf([entryOf(6, 'X', {}, 5)], [], undefined)], T + 5_000)).toBe(3);
  });

  it('has the amount between two figures in proportion, and none beyond them', () => {
    expect([T + 2_000, T + 3_000, T + 6_000].map((ms) => offsetAt(trail, ms))).toEqual([10, 20, 50]);
    expect([T + 1_999, T + 6_001].map((ms) => offsetAt(trail, ms))).toEqual([undefined, undefined]);
    expect(offsetAt({ at: [], offset: [] }, T)).toBeUndefined();
  });

  it('is said in words', () => {
    expect(placeText(story, trail, 100, T + 5_000)).toBe('40.0 % · is paused');
    expect(placeText(story, trail, 0, T + 500)).toBe('');
  });

  it('lies between the first and the last of which something is known', () => {
    expect(spanOf(story, trail)).toEqual({ from: T + 1_000, to: T + 6_000 });
    expect(spanOf([], { at: [T], offset: [1] })).toBeUndefined();
    expect(spanOf([], { at: [], offset: [] })).toBeUndefined();
  });
});

describe('the plot', () => {
  it('has shares of the length, never more than all of it', () => {
    expect(sharesOf({ at: [0, 1, 2], offset: [0, 50, 120] }, 100)).toEqual([0, 50, 100]);
    expect(sharesOf({ at: [0], offset: [5] }, 0)).toEqual([0]);
  });

  it('says why it is empty', () => {
    expect(noFiguresText(true, undefined)).toContain('second figure');
    expect(noFiguresText(false, undefined)).toContain('Asking');
    expect(noFiguresText(false, 'the gateway keeps no history')).toContain('the gateway keeps no history');
    expect(noFiguresText(false, {})).toContain('no figures of this run');
  });
});
