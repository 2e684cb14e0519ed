// Runs of the gateway's history as the page shows them.
import { describe, expect, it, vi } from 'vitest';
import { openPastRuns } from '../../demo-client/src/gateway/past-runs.js';
import { rowsOf } from '../../demo-client/src/model/fleet/rows.js';
import { noteOf, settlementOf, withPast } from '../../demo-client/src/model/run/past.js';
import type { Client } from '../../src/client/index.js';
import { recordOf } from '../../src/history/record.js';
import { durationOf } from '../../src/protocol/words.js';
import { DAY, endedRun } from '../support/run-history.js';
import { endOf, jobOf, tableOf } from './fixtures.js';

const pastOf = (run: string, job: string) => recordOf(endedRun(run, 60, { job }), DAY);
const paces = { trails: new Map(), isCurrent: () => true, starts: new Map(), now: 0 };

describe('the history', () => {
  it('that could not be read is said so, and is read at the next request', async () => {
    const history = vi.fn();
    const past = openPastRuns({ history } as unknown as Client);
    past.learn(['history']);
    history.mockRejectedValueOnce(new Error('rate limited'));
    past.refresh();
    await expect.poll(() => past.problem.value).toBe('rate limited');
    expect([past.older.value, past.runs.value.size]).toEqual(['none', 0]);
    history.mockResolvedValueOnce({ runs: [pastOf('e:1', 'j')], pageToken: 'next' });
    past.refresh();
    await expect.poll(() => past.older.value).toBe('some');
    expect([past.problem.value, past.runs.value.size]).toEqual([undefined, 1]);
    // The next page is of the one that was read.
    history.mockRejectedValueOnce(new Error('rate limited'));
    await past.more();
    expect([past.problem.value, past.older.value]).toEqual(['rate limited', 'some']);
    history.mockResolvedValueOnce({ runs: [pastOf('e:0', 'i')] });
    await past.more();
    expect(history).toHaveBeenLastCalledWith({ limit: 100, pageToken: 'next' });
    expect([past.problem.value, past.older.value, past.runs.value.size]).toEqual([undefined, 'none', 2]);
    past.close();
  });
});

describe('a run of the history', () => {
  it('is a row as any settlement, once, and gives the others their durations', () => {
    const table = tableOf([jobOf({ job: 'live' })], [endOf('old')]);
    const past = new Map([pastOf('e:old', 'old'), pastOf('e:older', 'older')].map((run) => [run.run, run]));
    const known = { table, paces, unseen: new Map([['e:older', endOf('older')]]), past };
    const rows = rowsOf({ ...known, tab: 'all' });
    expect(rows.map(({ job, ended }) => [job, ended?.tookMs])).toEqual([
      ['live', undefined],
      ['old', 10_000],
      ['older', 10_000],
    ]);
    expect(rowsOf({ ...known, tab: 'active' })).toHaveLength(1);
    expect(settlementOf(pastOf('r', 'j'))).toMatchObject({
      run: 'r',
      cursor: 'e:9',
      settled: { outcome: 'completed' },
    });
  });

  it('that was lost took nobody knows how long: it was found later', () => {
    const lost = { ...pastOf('e:old', 'old'), outcome: 'lost' } as const;
    const table = tableOf([], [endOf('old', { outcome: 'lost', provenance: 'unknown' })]);
    const rows = rowsOf({ table, paces, unseen: new Map(), past: new Map([[lost.run, lost]]), tab: 'all' });
    expect(rows.map(({ ended }) => ended?.tookMs)).toEqual([null]);
    expect(durationOf(lost)).toBeUndefined();
    expect(durationOf(pastOf('e:old', 'old'))).toBe(10_000);
  });

  it('gives the plot what was before the page', () => {
    const start = '2026-11-25T00:00:10.000000Z';
    const at = Date.parse(start);
    const trail = { at: [at + 5_000], offset: [50] };
    const progress = [
      [1_000, 10, 100],
      [4_000, 40, 100],
      [6_000, 60, 100],
    ] as const;
    expect(withPast(trail, start, progress)).toEqual({
      at: [at + 1_000, at + 4_000, at + 5_000],
      offset: [10, 40, 50],
    });
    expect(withPast(trail, null, progress)).toEqual(trail);
  });

  it('has a note: its error, and who asked', () => {
    expect(noteOf({ error: 'EIO', requestedBy: ['ann'] })).toBe('EIO (by ann)');
    expect(noteOf({ error: 'EIO', requestedBy: [] })).toBe('EIO');
    expect(noteOf({ requestedBy: ['ann', 'bob'] })).toBe('by ann, bob');
    expect(noteOf({ requestedBy: [] })).toBe('');
  });
});
