// What is worth a notification, and how many there are.
import { describe, expect, it } from 'vitest';
import {
  bulletinOf,
  dueAt,
  type News,
  newsOf,
  newsOfUnseen,
  type Reader,
} from '../../demo-client/src/model/events/news.js';
import { countNeeding, needsOf } from '../../demo-client/src/model/fleet/needs.js';
import type { JobTable } from '../../src/client/index.js';
import type { Job, SettledRun } from '../../src/protocol/types.js';
import { endOf, frameOf, jobOf, tableOf } from './fixtures.js';

const ended = (job: string, changes: Partial<SettledRun['settled']>, cursor = 'e:9'): SettledRun => ({
  ...endOf(job, changes),
  cursor,
});

function known(jobs: Job[], settled: SettledRun[] = [], cursor = 'e:1', unseen: SettledRun[] = []) {
  const table: JobTable = { ...tableOf(jobs, settled), cursor };
  return { table, unseen: new Map(unseen.map((end) => [end.run, end])) };
}

const newsBetween = (before: ReturnType<typeof known>, after: ReturnType<typeof known>, reader: Reader): News[] => [
  ...newsOf(frameOf(after.table, before.table), reader),
  ...newsOfUnseen(before.unseen, after.unseen),
];

const nobody = { principal: undefined, requested: new Set<string>() };
const said = (news: readonly News[]): string[] => news.map(({ kind, job }) => `${job} ${kind}`);

describe('news', () => {
  const running = jobOf({ job: 'a' });
  const stopped = jobOf({ job: 'a', status: 'paused', ioStatus: 'nospace' });

  it('are a job that stops at an error or waits for finalize, once', () => {
    expect(said(newsBetween(known([running]), known([stopped]), nobody))).toEqual(['a attention']);
    const pending = jobOf({ job: 'b', status: 'pending' });
    expect(said(newsBetween(known([stopped]), known([stopped, pending]), nobody))).toEqual(['b attention']);
    expect(newsBetween(known([stopped]), known([{ ...stopped, updated: 'later' }]), nobody)).toEqual([]);
  });

  it('are none at the first frame, whatever is in it', () => {
    expect(newsOf(frameOf(tableOf([stopped], [ended('b', { outcome: 'failed' })])), nobody)).toEqual([]);
  });

  it('are not a READY job, nor an end that nobody asked for here', () => {
    const after = known([jobOf({ job: 'a', status: 'ready' })], [ended('b', { outcome: 'completed' })]);
    expect(newsBetween(known([running, jobOf({ job: 'b' })]), after, nobody)).toEqual([]);
  });

  it('are a run that failed or was lost, with QEMU’s text', () => {
    const after = known([], [ended('a', { outcome: 'failed', error: 'No space' }), ended('b', { outcome: 'lost' })]);
    const news = newsBetween(known([running, jobOf({ job: 'b' })]), after, nobody);
    expect(said(news)).toEqual(['a failed', 'b lost']);
    expect(news[0]?.text).toBe('No space');
  });

  it('are an end that this page or its principal asked for', () => {
    const after = known([], [ended('a', { outcome: 'cancelled', requestedBy: ['me'] })]);
    const before = known([running]);
    expect(newsBetween(before, after, { ...nobody, principal: 'you' })).toEqual([]);
    expect(said(newsBetween(before, after, { ...nobody, principal: 'me' }))).toEqual(['a finished']);
    expect(said(newsBetween(before, after, { ...nobody, requested: new Set(['e:a']) }))).toEqual(['a finished']);
  });

  it('are a run that began and failed between two states of the page', () => {
    const after = known([], [ended('brief', { outcome: 'failed' }, 'e:7')], 'e:8');
    expect(said(newsBetween(known([], [], 'e:5'), after, nobody))).toEqual(['brief failed']);
  });

  it('after a reset are none of what was so before, though every run has another name', () => {
    const before = known([stopped], [], 'e:5');
    const renamed = { ...stopped, run: 'f:1' };
    const old = ended('old', { outcome: 'failed' }, 'f:2');
    expect(newsBetween(before, known([renamed], [old], 'f:3'), nobody)).toEqual([]);
  });

  it('after a reset are the runs that nobody saw end', () => {
    const gone = ended('a', { outcome: 'lost' });
    const after = known([], [], 'f:3', [gone]);
    expect(said(newsBetween(known([running]), after, nobody))).toEqual(['a lost']);
    expect(newsBetween(after, after, nobody)).toEqual([]);
  });
});

describe('a bulletin', () => {
  const of = (kind: News['kind'], job: string): News => ({ kind, source: 'vm1', job, run: job, text: 'Why.' });

  it('of one job says why, and leads to it', () => {
    expect(bulletinOf([of('failed', 'a')])).toEqual({
      title: 'vm1 / a failed',
      body: 'Why.',
      about: of('failed', 'a'),
    });
    expect(bulletinOf([])).toBeUndefined();
  });

  it('of many is one, with counts, the most urgent first', () => {
    const many = Array.from({ length: 1_000 }, (_, n) => of('failed', `d${n}`));
    expect(bulletinOf([...many, of('attention', 'a')])).toEqual({
      title: 'Jobs: 1 needs you, 1,000 failed',
      body: 'vm1 / a needs you\nvm1 / d0 failed\nvm1 / d1 failed\nand 998 more',
      about: undefined,
    });
  });

  it('collects what comes together, and rests after each', () => {
    expect(dueAt(10_000, undefined)).toBe(11_500);
    expect(dueAt(10_000, 9_000)).toBe(24_000);
    expect(dueAt(60_000, 9_000)).toBe(61_500);
  });
});

describe('the jobs that need a person', () => {
  it('are those that an error stopped, then those that wait for finalize', () => {
    const jobs = [
      jobOf({ job: 'p', status: 'pending' }),
      jobOf({ job: 'r', status: 'ready' }),
      jobOf({ job: 'e', status: 'paused', ioStatus: 'failed' }),
      jobOf({ job: 'u', settled: endOf('u').settled, status: 'concluded' }),
    ];
    expect(needsOf(jobs).map(({ job }) => job)).toEqual(['e', 'p']);
    expect(countNeeding(jobs)).toBe(2);
  });
});
